//! CREATE VIEW, temporary or lasting, and ALTER VIEW … AS.

use std::collections::BTreeMap;

use tidemill_spark::error::error;
use tidemill_spark::plan::{Command, ExpressionKind, NamedTable, Relation, RelationKind, TableName, TableSpec};
use tidemill_spark::resolve::{OpenedRelation, OutputColumn, Request};
use tidemill_spark::types::StructField;

use super::{Context, rows};
use crate::catalog::{ColumnRecord, Entry, Found, Hold, TableId, TempView, ViewRecord, now_ms, shown};
use crate::dataframe::DataFrame;
use crate::scan::Format;
use tidemill_planner::{Error, ErrorKind, Result};

/// CREATE VIEW.
pub(super) async fn create(cx: &Context<'_>, command: &Command) -> Result<DataFrame> {
    let Command::CreateView {
        name,
        columns,
        query,
        query_text,
        temporary,
        global,
        or_replace,
        if_not_exists,
        comment,
        properties,
        schema_binding,
    } = command
    else {
        return Err(Error::internal("CREATE VIEW was expected"));
    };
    if *or_replace && *if_not_exists {
        return Err(error("CREATE_VIEW_WITH_IF_NOT_EXISTS_AND_REPLACE", "CREATE VIEW takes OR REPLACE or IF NOT EXISTS, not both"));
    }
    let parts = cx.parts(name)?;
    let resolved = crate::open::resolved(cx.session, query).await?;
    let fields = named(&shown(&parts), columns, &resolved.output)?;
    super::columns::distinct(cx, fields.iter().map(|field| field.name.as_str()))?;
    if *temporary || *global {
        let query_columns = resolved.output.iter().map(|column| column.field.name.clone()).collect();
        let made = temp(cx, &parts, *global, query, (fields, query_columns), comment.clone(), properties).await?;
        let there = cx.catalog().temp_view(&full(&made), &cx.settings).is_some();
        if there && *if_not_exists {
            return rows::nothing(cx);
        }
        cx.catalog().put_temp_view(made, *or_replace, &cx.settings)?;
        return rows::nothing(cx);
    }
    let id = cx.id(&parts)?;
    refuse_unnamed(&id, query)?;
    refuse_temporary(cx, &id, query).await?;
    let record = record(cx, &id, query_text, &fields, &resolved.output, comment.clone(), properties.clone(), schema_binding.clone());
    let _alone = cx.catalog().lock_to_make(&[&id]).await?;
    let there = match cx.catalog().entry(&id).await {
        // What a damaged record stands for is replaced as well.
        Err(damage) if *or_replace && damage.kind() == ErrorKind::Corrupt => {
            cx.catalog().replace(&id, &Entry::View(record), Vec::new()).await?;
            return rows::nothing(cx);
        }
        there => there?,
    };
    match there {
        Some(_) if *if_not_exists => rows::nothing(cx),
        Some(Entry::Table(_)) if *or_replace => {
            Err(error("EXPECT_VIEW_NOT_TABLE.NO_ALTERNATIVE", format!("{} is a table: drop it first, or choose another name", id.shown())))
        }
        Some(_) if *or_replace => {
            refuse_circle(cx, &id, query).await?;
            cx.catalog().replace(&id, &Entry::View(record), Vec::new()).await?;
            rows::nothing(cx)
        }
        _ => {
            cx.catalog().create(&id, &Entry::View(record), *if_not_exists).await?;
            rows::nothing(cx)
        }
    }
}

fn full(view: &TempView) -> Vec<String> {
    if view.global { vec![crate::catalog::GLOBAL_TEMP.to_owned(), view.name.clone()] } else { vec![view.name.clone()] }
}

/// The view's columns: the query's, under the names and with the comments that are given.
fn named(view: &str, columns: &[(String, Option<String>)], output: &[OutputColumn]) -> Result<Vec<StructField>> {
    if columns.is_empty() {
        return Ok(output.iter().map(|column| column.field.clone()).collect());
    }
    if columns.len() != output.len() {
        let condition = if columns.len() > output.len() {
            "CREATE_VIEW_COLUMN_ARITY_MISMATCH.NOT_ENOUGH_DATA_COLUMNS"
        } else {
            "CREATE_VIEW_COLUMN_ARITY_MISMATCH.TOO_MANY_DATA_COLUMNS"
        };
        let message = format!("the view {view} names {} columns, and its query gives {}: name as many", columns.len(), output.len());
        return Err(error(condition, message).with_parameter("viewName", view));
    }
    Ok(columns
        .iter()
        .zip(output)
        .map(|((name, comment), column)| {
            let mut field = column.field.clone();
            field.name.clone_from(name);
            if let Some(comment) = comment {
                field.metadata.insert("comment".to_owned(), comment.clone());
            }
            field
        })
        .collect())
}

#[allow(clippy::too_many_arguments)]
async fn temp(
    cx: &Context<'_>,
    parts: &[String],
    global: bool,
    query: &Relation,
    (fields, query_columns): (Vec<StructField>, Vec<String>),
    comment: Option<String>,
    properties: &BTreeMap<String, String>,
) -> Result<TempView> {
    let name = match parts {
        [name] => name,
        [database, name] if global && database.eq_ignore_ascii_case(crate::catalog::GLOBAL_TEMP) => name,
        _ => {
            let message = format!("{} cannot name a temporary view: give it a name without a database", shown(parts));
            return Err(error("TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS", message).with_parameter("actualName", shown(parts)));
        }
    };
    let full = if global { vec![crate::catalog::GLOBAL_TEMP.to_owned(), name.clone()] } else { vec![name.clone()] };
    if cx.catalog().temp_view(&full, &cx.settings).is_some() && mentions(cx, query, &full).await? {
        let message = format!("the view `{name}` would name itself: give the new one another name");
        return Err(error("RECURSIVE_VIEW", message).with_parameter("viewIdent", shown(&full)));
    }
    let opened = OpenedRelation::View {
        name: full,
        relation: query.clone(),
        columns: fields.clone(),
        query_columns,
        settings: Some(std::sync::Arc::clone(&cx.settings)),
    };
    Ok(TempView { name: name.clone(), global, opened, columns: fields, comment, properties: properties.clone() })
}

/// Whether a query, or a view in it, reads the relation of that name.
async fn mentions(cx: &Context<'_>, query: &Relation, name: &[String]) -> Result<bool> {
    let opened = crate::open::opened_for(cx.session, query).await?;
    Ok(opened.relations.keys().any(|request| match request {
        Request::Table { name: other, .. } => other.len() == name.len() && other.iter().zip(name).all(|(a, b)| cx.settings.same(a, b)),
        _ => false,
    }))
}

#[allow(clippy::too_many_arguments)]
fn record(
    cx: &Context<'_>,
    id: &TableId,
    text: &str,
    fields: &[StructField],
    output: &[OutputColumn],
    comment: Option<String>,
    properties: BTreeMap<String, String>,
    schema_binding: Option<String>,
) -> ViewRecord {
    let kept = ["spark.sql.ansi.enabled", "spark.sql.caseSensitive", "spark.sql.timestampType", "spark.sql.session.timeZone"];
    let mut conf: BTreeMap<String, String> =
        cx.settings.conf.iter().filter(|(key, _)| key.starts_with("spark.sql.")).map(|(k, v)| (k.clone(), v.clone())).collect();
    for name in kept {
        if let Some(value) = cx.session.setting(name) {
            conf.insert(name.to_owned(), value);
        }
    }
    conf.remove("spark.sql.warehouse.dir");
    ViewRecord {
        database: id.database.clone(),
        name: id.name.clone(),
        text: text.to_owned(),
        columns: fields.iter().map(ColumnRecord::of).collect(),
        query_columns: output.iter().map(|column| column.field.name.clone()).collect(),
        current_database: cx.settings.current_database.clone(),
        conf,
        comment,
        properties,
        schema_binding,
        created_ms: now_ms(),
        owner: cx.settings.user.clone(),
    }
}

/// A lasting view's columns are named in its query: how an expression is shown may change from release to release.
fn refuse_unnamed(id: &TableId, query: &Relation) -> Result<()> {
    let list = match &*query.kind {
        RelationKind::Project { expressions, .. } => expressions,
        RelationKind::Aggregate { aggregate_expressions, .. } => aggregate_expressions,
        RelationKind::Sort { input, .. } | RelationKind::Limit { input, .. } => return refuse_unnamed(id, input),
        _ => return Ok(()),
    };
    let unnamed = list.iter().find(|e| {
        use ExpressionKind as K;
        !matches!(
            e.kind,
            K::Alias { .. }
                | K::UnresolvedAttribute { .. }
                | K::UnresolvedStar { .. }
                | K::UnresolvedRegex { .. }
                | K::UnresolvedExtractValue { .. }
        )
    });
    match unnamed {
        Some(e) => {
            let message = format!("the view {} has the column `{e}`, which has no name: say AS", id.shown());
            Err(error("CREATE_PERMANENT_VIEW_WITHOUT_ALIAS", message))
        }
        None => Ok(()),
    }
}

/// Refuses a lasting view over what goes with the session.
async fn refuse_temporary(cx: &Context<'_>, id: &TableId, query: &Relation) -> Result<()> {
    let opened = crate::open::opened_for(cx.session, query).await?;
    for request in opened.relations.keys() {
        if let Request::Table { name, .. } = request
            && cx.catalog().temp_view(name, &cx.settings).is_some()
        {
            return Err(temp_reference(id, &shown(name), "VIEW"));
        }
    }
    for request in opened.functions.keys() {
        if let Request::Function { name } = request
            && let Some(found) = cx.catalog().function(name, &cx.settings).await?
            && found.name.len() == 1
        {
            return Err(temp_reference(id, &shown(name), "FUNCTION"));
        }
    }
    Ok(())
}

fn temp_reference(id: &TableId, name: &str, kind: &str) -> Error {
    let message =
        format!("the view {} would outlive the temporary {} {name} that it names: make a temporary view", id.shown(), kind.to_lowercase());
    error("INVALID_TEMP_OBJ_REFERENCE", message)
        .with_parameter("objName", id.shown())
        .with_parameter("obj", "VIEW")
        .with_parameter("tempObjName", name)
        .with_parameter("tempObj", kind)
}

/// Refuses a view that would read itself.
async fn refuse_circle(cx: &Context<'_>, id: &TableId, query: &Relation) -> Result<()> {
    let opened = crate::open::opened_for(cx.session, query).await?;
    for request in opened.relations.keys() {
        if let Request::Table { name, .. } = request
            && cx.id(name).is_ok_and(|other| other == *id)
        {
            return Err(error("RECURSIVE_VIEW", format!("the view {} would name itself: change its query", id.shown()))
                .with_parameter("viewIdent", id.shown()));
        }
    }
    Ok(())
}

/// ALTER VIEW … AS.
pub(super) async fn alter_as(cx: &Context<'_>, name: &TableName, query: &Relation, query_text: &str) -> Result<DataFrame> {
    let parts = cx.parts(name)?;
    let resolved = crate::open::resolved(cx.session, query).await?;
    let fields: Vec<StructField> = resolved.output.iter().map(|column| column.field.clone()).collect();
    let (found, _alone) = cx.held(&parts, Hold::Alone).await?;
    match found {
        Found::Temp(old) => {
            let query_columns = fields.iter().map(|field| field.name.clone()).collect();
            let made = temp(cx, &full(&old), old.global, query, (fields, query_columns), old.comment, &old.properties).await?;
            cx.catalog().put_temp_view(made, true, &cx.settings)?;
        }
        Found::Entry(entry) => match *entry {
            Entry::View(old) => {
                let id = TableId { database: old.database.clone(), name: old.name.clone() };
                super::columns::distinct(cx, fields.iter().map(|field| field.name.as_str()))?;
                refuse_temporary(cx, &id, query).await?;
                refuse_circle(cx, &id, query).await?;
                let mut new = record(cx, &id, query_text, &fields, &resolved.output, old.comment, old.properties, old.schema_binding);
                new.created_ms = old.created_ms;
                cx.catalog().replace(&id, &Entry::View(new), Vec::new()).await?;
            }
            Entry::Table(_) => {
                return Err(error(
                    "EXPECT_VIEW_NOT_TABLE.NO_ALTERNATIVE",
                    format!("ALTER VIEW … AS is for views, and {} is a table", shown(&parts)),
                ));
            }
        },
        Found::Missing => return Err(cx.catalog().not_found(&parts, &cx.settings).await),
    }
    rows::nothing(cx)
}

/// CREATE TEMPORARY VIEW … USING.
pub(super) async fn using(cx: &Context<'_>, name: &TableName, spec: &TableSpec, or_replace: bool, global: bool) -> Result<DataFrame> {
    let parts = cx.parts(name)?;
    let [view] = parts.as_slice() else {
        let message = format!("{} cannot name a temporary view: give it a name without a database", shown(&parts));
        return Err(error("TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS", message).with_parameter("actualName", shown(&parts)));
    };
    let format = Format::parse(&cx.provider(spec.provider.as_deref())?)?;
    let path = spec.location.clone().or_else(|| spec.options.iter().find(|(k, _)| k.eq_ignore_ascii_case("path")).map(|(_, v)| v.clone()));
    let Some(path) = path else {
        return Err(error("INVALID_STATEMENT_OR_CLAUSE", "CREATE TEMPORARY VIEW … USING needs OPTIONS (path 'path')"));
    };
    let mut reader = cx.session.read().format(format.name());
    for (name, value) in spec.options.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("path")) {
        reader = reader.option(name, value);
    }
    if !spec.columns.is_empty() {
        let mut fields = Vec::new();
        for column in &spec.columns {
            fields.push(tidemill_spark::types::field_of(&super::columns::record(cx, column, true).await?.field()?));
        }
        reader = reader.arrow_schema(std::sync::Arc::new(arrow::datatypes::Schema::new(fields)));
    }
    let frame = reader.load_anew(&path).await?;
    let mut made = crate::open::resolved_view(view, frame.meaning()?, global);
    made.comment.clone_from(&spec.comment);
    cx.catalog().put_temp_view(made, or_replace, &cx.settings)?;
    rows::nothing(cx)
}

/// The relation of a name, and of an alias around it.
pub(super) fn named_table(relation: &Relation) -> Option<&NamedTable> {
    match relation.kind.as_ref() {
        RelationKind::NamedTable(table) => Some(table),
        RelationKind::SubqueryAlias { input, .. } => named_table(input),
        _ => None,
    }
}
