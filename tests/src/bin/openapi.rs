//! `cargo xtask openapi`: writes the document that the edge serves to the file it is told.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: openapi FILE");
        return ExitCode::FAILURE;
    };
    let written =
        tests::openapi::text().map_err(std::io::Error::from).and_then(|text| std::fs::write(&path, text));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to write {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
