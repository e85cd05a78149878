//! What becomes of commands: judged, rewritten, sent together, read.

use super::Context;
use super::answer::{self, Answer};
use crate::access::{Access, ReadOnlyCommands};
use crate::command::{self, Verdict};
use crate::connection::ExchangeError;
use crate::format::Format;
use crate::metering::Metering;
use crate::request::{Arguments, Request};
use crate::resp::Reply;
use crate::transcript::{self, Forwarded, Outcome, Step};

/// What runs a script. Functions are scripts, too.
const SCRIPTS: [&str; 6] = ["EVAL", "EVALSHA", "EVALSHA_RO", "EVAL_RO", "FCALL", "FCALL_RO"];

/// Executes a request that is no stream.
pub(super) async fn run(
    context: &Context,
    access: Access,
    request: Request,
    format: Format,
) -> Result<Answer, ExchangeError> {
    match request {
        Request::Command(arguments) => {
            let outcome = pipeline(context, access, vec![arguments]).await?;
            Ok(answer::single(outcome.replies.first().unwrap_or(&Reply::Nil), format))
        }
        Request::Pipeline(commands) => {
            let outcome = pipeline(context, access, commands).await?;
            Ok(answer::several(&outcome.replies, format))
        }
        Request::MultiExec(commands) => {
            // Only ever JSON, says the documentation.
            let format = if format == Format::Resp2 { Format::Json } else { format };
            Ok(match multi_exec(context, access, commands).await? {
                Ok(outcome) => answer::several(&outcome.replies, format),
                Err(error) => answer::single(&error, format),
            })
        }
        // They do not come here; they end nothing.
        Request::Stream(_) => Ok(answer::single(&Reply::Nil, format)),
    }
}

async fn pipeline(
    context: &Context,
    access: Access,
    commands: Vec<Arguments>,
) -> Result<Outcome, ExchangeError> {
    let steps = steps(context, access, commands).await?;
    let sent = transcript::send_pipeline(&steps);
    let replies = if sent.is_empty() { Vec::new() } else { context.pool.exchange(&sent).await? };
    let outcome = transcript::read_pipeline(steps, replies, context.request_bytes_max);
    context.counters.billed(outcome.billed);
    Ok(outcome)
}

async fn multi_exec(
    context: &Context,
    access: Access,
    commands: Vec<Arguments>,
) -> Result<Result<Outcome, Reply>, ExchangeError> {
    let steps = steps(context, access, commands).await?;
    let refused = steps.iter().find_map(|step| match step {
        Step::Answered(reply @ Reply::Error(_)) => Some(reply.clone()),
        _ => None,
    });
    if let Some(error) = refused {
        return Ok(Err(error));
    }
    let replies = context.pool.exchange(&transcript::send_transaction(&steps)).await?;
    let outcome = transcript::read_transaction(steps, replies, context.request_bytes_max);
    if let Ok(outcome) = &outcome {
        context.counters.billed(outcome.billed);
    }
    Ok(outcome)
}

async fn steps(
    context: &Context,
    access: Access,
    commands: Vec<Arguments>,
) -> Result<Vec<Step>, ExchangeError> {
    context.counters.commands(commands.len());
    let permitted = match access {
        Access::Full => None,
        Access::ReadOnly => {
            Some(context.read_only.get_or_try_init(|| ReadOnlyCommands::load(&context.pool)).await?)
        }
    };
    let mut steps = Vec::with_capacity(commands.len());
    for arguments in commands {
        steps.push(step(context, permitted, arguments).await?);
    }
    Ok(steps)
}

async fn step(
    context: &Context,
    permitted: Option<&ReadOnlyCommands>,
    mut arguments: Arguments,
) -> Result<Step, ExchangeError> {
    if let Verdict::Answer(reply) = command::judge(&arguments) {
        return Ok(Step::Answered(reply));
    }
    if permitted.is_some_and(|commands| !commands.permit(&arguments)) {
        return Ok(Step::Answered(ReadOnlyCommands::refusal(&arguments)));
    }
    context.monitor.show(&arguments);
    let name = command::name(&arguments);
    if let Some(reply) = context.faults.refusal(&name) {
        return Ok(Step::Answered(reply));
    }
    let is_script = SCRIPTS.contains(&name.as_str());
    let counted = if (is_script || name == "SCRIPT") && context.bill_scripts {
        *context.metering.get_or_try_init(|| Metering::detect(&context.pool)).await?
    } else {
        Metering::Off
    };
    let alias = context.scripts.rewrite(&mut arguments, |text| counted.wrap(text));
    let metering = if is_script { counted } else { Metering::Off };
    Ok(Step::Forwarded(Forwarded { arguments, alias, metering }))
}
