//! INSERT: which value goes into which column, as what, and where the rows are written.

use std::collections::BTreeMap;

use tidemill_spark::Typed;
use tidemill_spark::error::error;
use tidemill_spark::plan::{Command, Expression, ExpressionKind, InsertMode, Literal, PartitionSpec, Relation, RelationKind};
use tidemill_spark::types::StructField;

use super::context::column_of;
use super::{Context, constant, rows};
use crate::catalog::{Hold, NameLock, TableRecord, text};
use crate::dataframe::DataFrame;
use crate::io::{DeltaRows, Mode, Replace, save_table};
use crate::open;
use crate::scan::{Format, TableFiles, file_options};
use tidemill_planner::{Error, Result};

/// INSERT INTO and INSERT OVERWRITE.
pub(super) async fn insert(cx: &Context<'_>, command: &Command) -> Result<DataFrame> {
    let Command::Insert { table, columns, by_name, partition, mode, if_not_exists, schema_evolution, options, query } = command else {
        return Err(Error::internal("INSERT was expected"));
    };
    if *schema_evolution {
        return Err(error(
            "UNSUPPORTED_INSERT_WITH_SCHEMA_EVOLUTION",
            "WITH SCHEMA EVOLUTION is not supported: ALTER TABLE … ADD COLUMNS first",
        ));
    }
    if let InsertMode::ReplaceWhere(_) = mode {
        let message = "INSERT … REPLACE WHERE is not supported: use INSERT OVERWRITE … PARTITION, or merge_into of a DataFrame";
        return Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", message));
    }
    let overwrite = *mode == InsertMode::Overwrite;
    let parts = cx.parts(table)?;
    // The table keeps its name and its folder until the rows are in.
    let (record, _shared) = target(cx, &parts, options).await?;
    fail::fail_point!("command::insert.target");
    let fields = open::table_fields(&record).await?;
    let fixed = fixed_values(cx, &record, &fields, partition).await?;
    constants_first(&record, &fixed)?;
    let query = with_defaults(cx, &record, &fields, &fixed, columns, query)?;
    let rows = assigned(cx, &record, &fields, &fixed, columns, *by_name, &query).await?;
    if record.is_delta() {
        if overwrite && !fixed.is_empty() {
            let message = "INSERT OVERWRITE of one partition of a Delta table is not supported: overwrite the table, or use merge_into of a DataFrame";
            return Err(error("UNSUPPORTED_FEATURE.TABLE_OPERATION", message));
        }
        let rows = DeltaRows::of(&rows, &record.location, &record.options, None).await?;
        if overwrite {
            rows.overwrite().await?;
        } else {
            rows.append().await?;
        }
        return rows::nothing(cx);
    }
    let files = TableFiles::of(&record)?;
    let dynamic = file_options::replaces_written(options, &cx.settings);
    let mut given = Vec::new();
    for (name, value) in &fixed {
        given.push((name.clone(), constant::text(cx, value).await?));
    }
    let replace = match (overwrite, fixed.len() < record.partition_columns.len() && dynamic, given.is_empty()) {
        (false, ..) | (true, false, true) => Replace::ByMode,
        (true, true, _) => Replace::Written,
        (true, false, false) => {
            if *if_not_exists && !files.folders_with(&given, &cx.settings)?.is_empty() {
                return rows::nothing(cx);
            }
            Replace::Of(given)
        }
    };
    save_table(&rows, &files, if overwrite { Mode::Overwrite } else { Mode::Append }, replace).await?;
    rows::nothing(cx)
}

/// The table that rows go into: one of the catalog, or a Delta table by path.
async fn target(cx: &Context<'_>, parts: &[String], options: &BTreeMap<String, String>) -> Result<(TableRecord, Option<NameLock>)> {
    if let [format, path] = parts
        && format.eq_ignore_ascii_case("delta")
        && matches!(cx.catalog().find(parts, &cx.settings).await?, crate::catalog::Found::Missing)
    {
        let record = TableRecord {
            database: String::new(),
            name: path.clone(),
            provider: "delta".to_owned(),
            columns: Vec::new(),
            partition_columns: Vec::new(),
            location: cx.location(path)?,
            external: true,
            options: BTreeMap::new(),
            properties: BTreeMap::new(),
            comment: None,
            created_ms: 0,
            owner: String::new(),
            moved_from: None,
            made_folder: None,
        };
        return Ok((open::with_log(record).await?, None));
    }
    let (mut record, shared) = cx.table_held(parts, "INSERT", Hold::Shared).await?;
    record.options.extend(options.clone());
    Ok((open::with_log(record).await?, shared))
}

/// A value that PARTITION gives a column, by the column's name.
type Fixed = Vec<(String, Typed)>;

async fn fixed_values(cx: &Context<'_>, record: &TableRecord, fields: &[StructField], partition: &PartitionSpec) -> Result<Fixed> {
    let mut fixed = Vec::new();
    for (name, value) in partition {
        let Some(column) = record.partition_columns.iter().find(|column| cx.settings.same(column, name)) else {
            let known = record.partition_columns.join(", ");
            let message = format!("`{name}` is no partition column of {} (partition columns: {known})", shown(record));
            return Err(error("NON_PARTITION_COLUMN", message).with_parameter("columnName", format!("`{name}`")));
        };
        let Some(field) = fields.iter().find(|field| field.name == *column) else { continue };
        if let Some(value) = value {
            let value = if value.kind == ExpressionKind::Default { default_of(cx, record, column)? } else { value.clone() };
            let typed = constant::of_partition(cx, &value, &field.data_type).await?;
            fixed.push((column.clone(), cx.assigned(typed, field, Some(&shown(record)))?));
        }
    }
    Ok(fixed)
}

/// Refuses constants after columns that take their values from the query: in Spark, too, they come first.
fn constants_first(record: &TableRecord, fixed: &Fixed) -> Result<()> {
    let is_fixed = |name: &String| fixed.iter().any(|(known, _)| known == name);
    let open = record.partition_columns.iter().position(|name| !is_fixed(name)).unwrap_or(record.partition_columns.len());
    match record.partition_columns.iter().skip(open).find(|name| is_fixed(name)) {
        None => Ok(()),
        Some(late) => {
            let message = format!(
                "{} is partitioned by [{}]: `{late}` has a constant value, which all columns before it need, too",
                shown(record),
                record.partition_columns.join(",")
            );
            Err(error("_LEGACY_ERROR_TEMP_1147", message))
        }
    }
}

fn shown(record: &TableRecord) -> String {
    if record.database.is_empty() { format!("delta.`{}`", record.name) } else { crate::catalog::shown(&record.full_name()) }
}

/// What a column gets when nothing is given: its DEFAULT, else null.
fn default_of(cx: &Context<'_>, record: &TableRecord, column: &str) -> Result<Expression> {
    match record.columns.iter().find(|known| known.name == column).and_then(|known| known.default.as_deref()) {
        Some(default) => text::expression(default, &cx.settings),
        None => Ok(Expression::literal(Literal::Null(tidemill_spark::types::SparkType::Null))),
    }
}

/// The query with the columns' defaults where it says DEFAULT.
fn with_defaults(
    cx: &Context<'_>,
    record: &TableRecord,
    fields: &[StructField],
    fixed: &Fixed,
    columns: &[Vec<String>],
    query: &Relation,
) -> Result<Relation> {
    let targets: Vec<&str> = if columns.is_empty() {
        fields.iter().map(|field| field.name.as_str()).filter(|name| !fixed.iter().any(|(fixed, _)| fixed == name)).collect()
    } else {
        columns
            .iter()
            .map(|column| {
                let said = column.last().map_or("", String::as_str);
                fields.iter().find(|field| cx.settings.same(&field.name, said)).map_or(said, |field| field.name.as_str())
            })
            .collect()
    };
    let settle = |list: &[Expression]| -> Result<Vec<Expression>> {
        list.iter()
            .enumerate()
            .map(|(place, value)| {
                let inner = match &value.kind {
                    ExpressionKind::Alias { expr, .. } => &expr.kind,
                    kind => kind,
                };
                match (inner, targets.get(place)) {
                    (ExpressionKind::Default, Some(column)) => default_of(cx, record, column),
                    _ => Ok(value.clone()),
                }
            })
            .collect()
    };
    let mut query = query.clone();
    match std::sync::Arc::make_mut(&mut query.kind) {
        RelationKind::Values { rows } => {
            for row in rows.iter_mut() {
                *row = settle(row)?;
            }
        }
        RelationKind::Project { input, expressions } => {
            if let RelationKind::Values { rows } = std::sync::Arc::make_mut(&mut input.kind) {
                for row in rows.iter_mut() {
                    *row = settle(row)?;
                }
            }
            *expressions = settle(expressions)?;
        }
        RelationKind::SubqueryAlias { input, .. } => *input = with_defaults(cx, record, fields, fixed, columns, input)?,
        _ => {}
    }
    Ok(query)
}

/// The query's rows as the table's columns, in order; none where there is no query.
pub(super) async fn positional(
    cx: &Context<'_>,
    record: &TableRecord,
    fields: &[StructField],
    query: Option<&Relation>,
) -> Result<Option<DataFrame>> {
    match query {
        None => Ok(None),
        // CREATE TABLE … AS has moved the partitions' columns behind the others.
        Some(query) => assigned(cx, record, fields, &Vec::new(), &[], true, query).await.map(Some),
    }
}

async fn assigned(
    cx: &Context<'_>,
    record: &TableRecord,
    fields: &[StructField],
    fixed: &Fixed,
    columns: &[Vec<String>],
    by_name: bool,
    query: &Relation,
) -> Result<DataFrame> {
    let table = shown(record);
    let resolved = crate::open::resolved(cx.session, query).await?;
    let given = &resolved.output;
    let open: Vec<&StructField> = fields.iter().filter(|field| !fixed.iter().any(|(name, _)| *name == field.name)).collect();
    // Which column of the query, by place, each column of the table takes.
    let mut takes: BTreeMap<&str, usize> = BTreeMap::new();
    if !columns.is_empty() {
        super::columns::distinct(cx, columns.iter().filter_map(|column| column.last().map(String::as_str)))?;
        for (place, column) in columns.iter().enumerate() {
            let said = column.last().map_or("", String::as_str);
            if fixed.iter().any(|(name, _)| cx.settings.same(name, said)) {
                let message = format!("`{said}` has its value from PARTITION: leave it out of the list of columns");
                return Err(error("STATIC_PARTITION_COLUMN_IN_INSERT_COLUMN_LIST", message));
            }
            match open.iter().find(|field| cx.settings.same(&field.name, said)) {
                Some(field) => takes.insert(&field.name, place),
                None => {
                    let known = fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>();
                    let hint = tidemill_planner::ident::did_you_mean(said, known.iter().copied());
                    let message = format!("{table} has no column `{said}`{hint} (columns: {})", known.join(", "));
                    return Err(error("UNRESOLVED_COLUMN.WITH_SUGGESTION", message).with_parameter("objectName", format!("`{said}`")));
                }
            };
        }
        count(&table, columns.len(), given.len())?;
    } else if by_name {
        super::columns::distinct(cx, given.iter().map(|column| column.field.name.as_str())).map_err(|e| {
            error("INCOMPATIBLE_DATA_FOR_TABLE.AMBIGUOUS_COLUMN_NAME", format!("rows for {table} by name: {}", e.message()))
        })?;
        for (place, column) in given.iter().enumerate() {
            match open.iter().find(|field| cx.settings.same(&field.name, &column.field.name)) {
                Some(field) => takes.insert(&field.name, place),
                None => {
                    let message = format!(
                        "the query's column `{}` is no column of {table}: leave it out, or name it as the table does",
                        column.field.name
                    );
                    return Err(error("INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS", message)
                        .with_parameter("extraColumns", format!("`{}`", column.field.name)));
                }
            };
        }
    } else {
        if !fixed.is_empty() && open.len() != given.len() {
            let message = format!(
                "{table} takes {} values per row beside those of PARTITION, and the query gives {}: give one per column",
                open.len(),
                given.len()
            );
            return Err(error("INSERT_PARTITION_COLUMN_ARITY_MISMATCH", message));
        }
        count(&table, open.len(), given.len())?;
        takes.extend(open.iter().enumerate().map(|(place, field)| (field.name.as_str(), place)));
    }
    let mut made = Vec::new();
    for field in fields {
        let value = if let Some((_, value)) = fixed.iter().find(|(name, _)| *name == field.name) {
            value.clone()
        } else if let Some(column) = takes.get(field.name.as_str()).and_then(|place| given.get(*place)) {
            cx.assigned(column_of(column), field, Some(&table))?
        } else {
            let has_default = record.columns.iter().any(|known| known.name == field.name && known.default.is_some());
            if !field.nullable && !has_default {
                let message = format!("{table} has the column `{}`, which is NOT NULL and has no default: give it a value", field.name);
                return Err(error("NO_DEFAULT_COLUMN_VALUE_AVAILABLE", message).with_parameter("colName", format!("`{}`", field.name)));
            }
            let default = default_of(cx, record, &field.name)?;
            let typed = cx.typed(std::slice::from_ref(&default)).await?.into_iter().next();
            cx.assigned(typed.ok_or_else(|| Error::internal("a default was lost"))?, field, Some(&table))?
        };
        made.push((value, field.clone()));
    }
    cx.project(resolved.plan, made)
}

fn count(table: &str, wanted: usize, given: usize) -> Result<()> {
    let condition = match given.cmp(&wanted) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Less => "INSERT_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS",
        std::cmp::Ordering::Greater => "INSERT_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS",
    };
    let message =
        format!("{table} takes {wanted} values per row here, and the query gives {given}: give one per column, or name the columns");
    Err(error(condition, message).with_parameter("tableName", table))
}

/// INSERT OVERWRITE DIRECTORY.
pub(super) async fn directory(
    cx: &Context<'_>,
    path: Option<&str>,
    provider: Option<&str>,
    options: &BTreeMap<String, String>,
    query: &Relation,
) -> Result<DataFrame> {
    let path = path.map(str::to_owned).or_else(|| options.iter().find(|(k, _)| k.eq_ignore_ascii_case("path")).map(|(_, v)| v.clone()));
    let Some(path) = path else {
        return Err(error(
            "INVALID_STATEMENT_OR_CLAUSE",
            "INSERT OVERWRITE DIRECTORY needs a path: say DIRECTORY 'path' or OPTIONS (path 'path')",
        ));
    };
    let format = Format::parse(&cx.provider(provider)?)?;
    let mut writer = crate::dataframe::query(cx.session, query).await?.write().format(format.name()).mode("overwrite");
    for (name, value) in options.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("path")) {
        writer = writer.option(name, value);
    }
    writer.save(&path).await?;
    rows::nothing(cx)
}
