//! Executes a parsed request.

use std::sync::Arc;

use axum::response::Response;

use super::{Client, Context, response, stream};
use crate::access::{Access, ReadOnlyCommands};
use crate::batch::{self, Executed, Step};
use crate::command;
use crate::connection::ExchangeError;
use crate::format::Format;
use crate::metering::Metering;
use crate::request::{Arguments, Request};
use crate::resp::Reply;

/// Commands that run a script. A function is a script, too.
const SCRIPTS: [&str; 6] = ["EVAL", "EVALSHA", "EVALSHA_RO", "EVAL_RO", "FCALL", "FCALL_RO"];

pub(super) async fn run(
    context: Arc<Context>,
    client: Client,
    access: Access,
    request: Request,
    format: Format,
) -> Result<Response, ExchangeError> {
    match request {
        Request::Command(arguments) => {
            let executed = pipeline(&context, access, vec![arguments]).await?;
            Ok(response::single(executed.replies.first().unwrap_or(&Reply::Nil), format))
        }
        Request::Pipeline(commands) => {
            let executed = pipeline(&context, access, commands).await?;
            Ok(response::several(&executed.replies, format))
        }
        Request::MultiExec(commands) => {
            // The documentation says that this endpoint only responds with JSON.
            let format = if format == Format::Resp2 { Format::Json } else { format };
            Ok(match multi_exec(&context, access, commands).await? {
                Ok(executed) => response::several(&executed.replies, format),
                Err(error) => response::single(&error, format),
            })
        }
        Request::Subscribe(channels) => stream::subscribe(&context, client, "SUBSCRIBE", channels).await,
        Request::PatternSubscribe(patterns) => {
            stream::subscribe(&context, client, "PSUBSCRIBE", patterns).await
        }
        Request::Monitor => Ok(stream::monitor(&context, client, access)),
    }
}

async fn pipeline(
    context: &Context,
    access: Access,
    commands: Vec<Arguments>,
) -> Result<Executed, ExchangeError> {
    let steps = steps(context, access, commands).await?;
    let commands = batch::pipeline_commands(&steps);
    let replies = if commands.is_empty() { Vec::new() } else { context.pool.exchange(&commands).await? };
    let executed = batch::read_pipeline(steps, replies, context.options.request_bytes_max);
    context.count(0, executed.billed);
    Ok(executed)
}

/// The replies, or the error for which nothing was executed.
async fn multi_exec(
    context: &Context,
    access: Access,
    commands: Vec<Arguments>,
) -> Result<Result<Executed, Reply>, ExchangeError> {
    let steps = steps(context, access, commands).await?;
    let refused = steps.iter().find_map(|step| match step {
        Step::Answered(reply @ Reply::Error(_)) => Some(reply.clone()),
        _ => None,
    });
    if let Some(error) = refused {
        return Ok(Err(error));
    }
    let replies = context.pool.exchange(&batch::transaction_commands(&steps)).await?;
    let executed = batch::read_transaction(steps, replies, context.options.request_bytes_max);
    if let Ok(executed) = &executed {
        context.count(0, executed.billed);
    }
    Ok(executed)
}

async fn steps(
    context: &Context,
    access: Access,
    commands: Vec<Arguments>,
) -> Result<Vec<Step>, ExchangeError> {
    context.count(commands.len(), 0);
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
    if let Some(reply) = command::local_reply(&arguments) {
        return Ok(Step::Answered(reply));
    }
    if permitted.is_some_and(|commands| !commands.permits(&arguments)) {
        return Ok(Step::Answered(ReadOnlyCommands::refusal(&arguments)));
    }
    context.monitor.show(&arguments);
    let name = command::name(&arguments);
    if let Some(reply) = context.faults.out_of_memory(&name) {
        return Ok(Step::Answered(reply));
    }
    let is_script = SCRIPTS.contains(&name.as_str());
    let counting = if (is_script || name == "SCRIPT") && context.options.bill_scripts {
        *context.metering.get_or_try_init(|| Metering::detect(&context.pool)).await?
    } else {
        Metering::Off
    };
    let alias = context.scripts.rewrite(&mut arguments, |text| counting.wrap(text));
    let metering = if is_script { counting } else { Metering::Off };
    Ok(Step::Forwarded { arguments, alias, metering })
}
