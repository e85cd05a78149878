//! The functions as deployed: `template.yaml`.

use thiserror::Error;

use super::StepError;
use crate::project::Project;
use crate::{child, setup};

/// Why the template could not be checked.
#[derive(Debug, Error)]
pub(super) enum TemplateError {
    #[error("failed to check template.yaml: it is not there")]
    Missing,
}

/// cfn-lint, which knows SAM's transform, has nothing to say.
pub(super) fn run(project: &Project) -> Result<(), StepError> {
    if !project.root.join("template.yaml").is_file() {
        return Err(TemplateError::Missing.into());
    }
    let mut lint = project.command(setup::cfn_lint(project)?);
    lint.args(["--non-zero-exit-code", "informational", "--", "template.yaml"]);
    Ok(child::run(lint)?)
}
