//! Executes a parsed request.

use std::sync::Arc;

use axum::response::Response;

use super::{Client, Context, response, script_deadline, stream};
use crate::access::{Access, ReadOnlyCommands};
use crate::batch::{self, Executed, Reading, Step};
use crate::command;
use crate::connection::{ExchangeError, Pool};
use crate::error_text::is_unknown_command;
use crate::format::Format;
use crate::metering::Metering;
use crate::request::{self, Arguments, Request};
use crate::resp::Reply;
use crate::script::View;

/// Commands that run a script.
const SCRIPTS: [&str; 4] = ["EVAL", "EVALSHA", "EVALSHA_RO", "EVAL_RO"];
/// Commands that run a function, which is a script, too.
const FUNCTIONS: [&str; 2] = ["FCALL", "FCALL_RO"];
/// What INFO says of the engine, and its name. Valkey names a version of Redis, too.
const ENGINES: [(&str, &str); 2] = [("valkey_version:", "Valkey"), ("redis_version:", "Redis")];

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
    let (replies, reading) = exchange(context, access, &steps, commands).await?;
    let executed = batch::read_pipeline(steps, replies, reading);
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
    let commands = batch::transaction_commands(&steps);
    let (replies, reading) = exchange(context, access, &steps, commands).await?;
    let executed = batch::read_transaction(steps, replies, reading);
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
    Ok(commands.into_iter().map(|arguments| step(context, permitted, arguments)).collect())
}

fn step(context: &Context, permitted: Option<&ReadOnlyCommands>, mut arguments: Arguments) -> Step {
    if let Some(reply) = command::local_reply(&arguments) {
        return Step::Answered(reply);
    }
    if permitted.is_some_and(|commands| !commands.permits(&arguments)) {
        return Step::Answered(ReadOnlyCommands::refusal(&arguments));
    }
    context.monitor.show(&arguments);
    let name = command::name(&arguments);
    if let Some(reply) = context.faults.out_of_memory(&name) {
        return Step::Answered(reply);
    }
    let view = match (name.as_str(), command::subcommand(&arguments).as_slice()) {
        ("CONFIG", b"GET") => View::Configuration,
        _ => context.scripts.rewrite(&mut arguments),
    };
    let is_function = FUNCTIONS.contains(&name.as_str());
    let is_script = is_function || SCRIPTS.contains(&name.as_str());
    let metering = match &view {
        _ if !is_script || !context.options.bill_scripts => Metering::Off,
        View::Script(_) => Metering::Guarded,
        _ if is_function => Metering::Guarded,
        _ => Metering::Script,
    };
    Step::Forwarded { arguments, view, metering, is_script }
}

/// The engine's replies, and how to read them.
async fn exchange<'a>(
    context: &'a Context,
    access: Access,
    steps: &[Step],
    commands: Vec<Arguments>,
) -> Result<(Vec<Reply>, Reading<'a>), ExchangeError> {
    let replies = match access {
        _ if commands.is_empty() => Vec::new(),
        _ if !steps.iter().any(Step::is_script) => context.pool.exchange(&commands).await?,
        Access::Full => script_deadline::exchange(context, &context.pool, &commands).await?,
        Access::ReadOnly => script_deadline::exchange(context, &context.read_only_pool, &commands).await?,
    };
    let engine = if replies.iter().any(is_unknown_command) { engine_name(context).await? } else { "" };
    Ok((replies, Reading { limit: context.options.request_bytes_max, engine }))
}

async fn engine_name(context: &Context) -> Result<&str, ExchangeError> {
    let name = context.engine_name.get_or_try_init(|| load_engine_name(&context.pool));
    Ok(name.await?.as_str())
}

/// `Redis 7.0.15`
async fn load_engine_name(pool: &Pool) -> Result<String, ExchangeError> {
    let replies = pool.exchange(&[request::arguments(["INFO", "server"])]).await?;
    let info = replies.first().and_then(Reply::text).map(|text| String::from_utf8_lossy(text));
    let info = info.unwrap_or_default();
    let version = |prefix| info.lines().find_map(|line| line.strip_prefix(prefix));
    let known = ENGINES.iter().find_map(|(prefix, name)| Some(format!("{name} {}", version(prefix)?)));
    Ok(known.unwrap_or_else(|| "the engine".to_owned()))
}
