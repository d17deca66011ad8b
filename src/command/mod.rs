//! The statements that are no queries, each carried out when it is said. One file per family; what they change is the catalog's
//! and the files' business.

mod alter;
mod cache;
mod catalog;
mod columns;
mod constant;
mod context;
mod create_table;
mod database;
mod delta;
mod describe;
mod describe_table;
mod drop;
mod execute_immediate;
mod explain;
mod fill;
mod function;
mod insert;
mod parameters;
mod partition;
mod place;
mod rename;
mod rows;
mod set;
mod show;
mod show_create;
mod table_writer;
mod variable;
mod view;

use tidemill_spark::error::error;
use tidemill_spark::plan::{Command, Expression, TableName};

pub use catalog::Catalog;
pub use table_writer::DataFrameWriterV2;

use crate::dataframe::DataFrame;
use crate::session::Session;
use context::Context;
use tidemill_planner::Result;

/// A statement with values in the place of its parameters.
pub(crate) async fn bound(session: &Session, text: &str, values: &[Expression]) -> Result<String> {
    parameters::bound(&Context { session, settings: session.spark_settings(), text }, text, values).await
}

/// Carries out a command, which `text` says. Rows that are kept of tables which it has changed are computed anew.
pub(crate) async fn run(session: &Session, command: &Command, text: &str) -> Result<DataFrame> {
    let made = carried_out(session, command, text).await;
    match command {
        Command::CreateView { name, .. } | Command::CreateTempViewUsing { name, .. } | Command::AlterViewAs { name, .. } => match name {
            TableName::Parts(parts) => session.kept().name_has_changed(parts.last().map_or("", String::as_str)),
            TableName::Identifier(_) => session.kept().tables_have_changed(),
        },
        Command::CreateTable { .. }
        | Command::CreateTableLike { .. }
        | Command::AlterTable { .. }
        | Command::DropTable { .. }
        | Command::TruncateTable { .. }
        | Command::DropNamespace { .. }
        | Command::Use { .. }
        | Command::Insert { .. }
        | Command::MultiInsert(_)
        | Command::InsertDirectory { .. }
        | Command::Update { .. }
        | Command::Delete { .. }
        | Command::Merge { .. }
        | Command::RepairTable { .. }
        | Command::Restore { .. } => session.kept().tables_have_changed(),
        _ => {}
    }
    made
}

async fn carried_out(session: &Session, command: &Command, text: &str) -> Result<DataFrame> {
    let cx = Context { session, settings: session.spark_settings(), text };
    match command {
        Command::CreateTable { .. } => create_table::create(&cx, command).await,
        Command::CreateTableLike { name, source, spec, if_not_exists } => create_table::like(&cx, name, source, spec, *if_not_exists).await,
        Command::CreateView { .. } => view::create(&cx, command).await,
        Command::CreateTempViewUsing { name, spec, or_replace, global } => view::using(&cx, name, spec, *or_replace, *global).await,
        Command::AlterViewAs { name, query, query_text } => view::alter_as(&cx, name, query, query_text).await,
        Command::AlterTable { name, kind, change } => alter::alter(&cx, name, *kind, change).await,
        Command::DropTable { name, kind, if_exists, purge: _ } => drop::drop(&cx, name, *kind, *if_exists).await,
        Command::TruncateTable { name, partition } => drop::truncate(&cx, name, partition.as_ref()).await,
        Command::CreateNamespace { name, if_not_exists, comment, location, properties } => {
            database::create(&cx, name, *if_not_exists, comment.as_deref(), location.as_deref(), properties).await
        }
        Command::AlterNamespace { name, properties, location } => database::alter(&cx, name, properties, location.as_deref()).await,
        Command::DropNamespace { name, if_exists, cascade } => database::drop(&cx, name, *if_exists, *cascade).await,
        Command::Use { name } => database::use_database(&cx, name).await,
        Command::SetCatalog { name } => database::set_catalog(&cx, name),
        Command::Insert { .. } => insert::insert(&cx, command).await,
        Command::MultiInsert(inserts) => {
            for one in inserts {
                Box::pin(run(session, one, text)).await?;
            }
            rows::nothing(&cx)
        }
        Command::InsertDirectory { local: _, path, provider, options, query } => {
            insert::directory(&cx, path.as_deref(), provider.as_deref(), options, query).await
        }
        Command::Update { table, .. } => delta::update(&cx, table).await,
        Command::Delete { table, condition } => delta::delete(&cx, table, condition.as_ref()).await,
        Command::Merge { target, source, condition, matched, not_matched, not_matched_by_source, schema_evolution } => {
            let merge = delta::Merge { target, source, condition, matched, not_matched };
            delta::merge(&cx, &merge, !not_matched_by_source.is_empty() || *schema_evolution).await
        }
        Command::Explain { mode, statement } => explain::explain(&cx, *mode, statement).await,
        Command::DescribeQuery { query } => describe::query(&cx, query).await,
        Command::DescribeTable { name, extended, partition, column, as_json } => {
            describe_table::table(&cx, name, *extended, partition, column, *as_json).await
        }
        Command::DescribeNamespace { name, extended } => database::describe(&cx, name, *extended).await,
        Command::DescribeFunction { name, extended } => describe::function(&cx, name, *extended).await,
        Command::DescribeDelta { name, history, limit } => delta::describe(&cx, name, *history, *limit).await,
        Command::ShowTables { namespace, pattern, partition, .. } if !partition.is_empty() => {
            show::table_partition(&cx, namespace.as_ref(), pattern.as_deref(), partition).await
        }
        Command::ShowTables { namespace, pattern, extended, partition: _ } => {
            show::tables(&cx, namespace.as_ref(), pattern.as_deref(), *extended).await
        }
        Command::ShowViews { namespace, pattern } => show::views(&cx, namespace.as_ref(), pattern.as_deref()).await,
        Command::ShowNamespaces { from: _, pattern } => show::databases(&cx, pattern.as_deref()).await,
        Command::ShowColumns { table, namespace } => show::columns(&cx, table, namespace.as_deref()).await,
        Command::ShowTableProperties { table, key } => show::properties(&cx, table, key.as_deref()).await,
        Command::ShowPartitions { table, partition } => partition::show(&cx, table, partition).await,
        Command::ShowCreateTable { table, as_serde } => show_create::table(&cx, table, *as_serde).await,
        Command::ShowFunctions { scope, namespace, pattern } => {
            show::functions(&cx, scope.as_deref(), namespace.as_ref(), pattern.as_deref()).await
        }
        Command::ShowCatalogs { pattern } => show::catalogs(&cx, pattern.as_deref()),
        Command::ShowCurrentNamespace => show::current(&cx),
        Command::CommentOn { name, namespace, comment } => alter::comment_on(&cx, name, *namespace, comment.as_deref()).await,
        Command::AnalyzeTable { name, .. } => cache::analyze(&cx, name.as_ref()).await,
        Command::CacheTable { name, lazy, options, query } => cache::cache(&cx, name, *lazy, options, query.as_ref()).await,
        Command::UncacheTable { name, if_exists } => cache::uncache(&cx, name, *if_exists).await,
        Command::ClearCache => {
            cx.session.kept().clear();
            rows::nothing(&cx)
        }
        Command::Refresh { what, name } => cache::refresh(&cx, what, name).await,
        Command::RepairTable { name } => partition::repair(&cx, name).await,
        Command::Optimize { name, .. } => delta::upkeep(&cx, name, "OPTIMIZE").await,
        Command::Vacuum { name, .. } => delta::upkeep(&cx, name, "VACUUM").await,
        Command::Restore { name, .. } => delta::upkeep(&cx, name, "RESTORE").await,
        Command::CreateSqlFunction(function) => function::create(&cx, function).await,
        Command::CreateFunction { name, class_name, .. } => function::of_class(&cx, name, class_name),
        Command::DropFunction { name, temporary, if_exists } => function::drop(&cx, name, *temporary, *if_exists).await,
        Command::Set { key, value, verbose } => set::set(&cx, key.as_deref(), value.as_deref(), *verbose),
        Command::Reset { key } => set::reset(&cx, key.as_deref()),
        Command::SetTimeZone { zone } => set::time_zone(&cx, zone.as_deref()),
        Command::DeclareVariable { names, data_type, default, or_replace } => {
            variable::declare(&cx, names, data_type.as_ref(), default.as_ref(), *or_replace).await
        }
        Command::SetVariable { names, values, query } => variable::set(&cx, names, values, query.as_ref()).await,
        Command::DropVariable { name, if_exists } => variable::drop(&cx, name, *if_exists),
        Command::ExecuteImmediate { query, into, using } => execute_immediate::run(&cx, query, into, using).await,
        Command::ManageResource { operation, rest } => Err(error(
            "UNSUPPORTED_FEATURE.TABLE_OPERATION",
            format!("{operation} {rest}: there are no jars and files to add to a session; functions are written in SQL (CREATE FUNCTION)"),
        )),
        Command::LoadData { .. } => Err(error(
            "NOT_SUPPORTED_COMMAND_WITHOUT_HIVE_SUPPORT",
            "LOAD DATA is Hive's: read the files and insert them, as in INSERT INTO t SELECT * FROM parquet.`/data`",
        )),
        Command::Script { .. } => {
            Err(error("UNSUPPORTED_FEATURE.SQL_SCRIPTING", "BEGIN … END is not there yet: give the statements one after the other"))
        }
        Command::Unsupported { what, span } => Err(tidemill_spark::error::at(
            error("UNSUPPORTED_FEATURE.TABLE_OPERATION", format!("{what} is not supported here: see the manual for what is")),
            *span,
        )),
        _ => {
            let said: String = text.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
            Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", format!("{said} … is not carried out here: see the manual for what is")))
        }
    }
}
