//! What every command works with: the session, its settings, names looked up and constants computed.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::Array;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::scalar::ScalarValue;
use tidemill_spark::error::error;
use tidemill_spark::plan::{Expression, NamedTable, Relation, RelationKind, TableName};
use tidemill_spark::resolve::{OutputColumn, Request, Resolved, requests, resolve_expression};
use tidemill_spark::types::{SparkType, StructField, cast, lattice};
use tidemill_spark::{Settings, Typed};

use crate::catalog::{Catalog, Entry, Found, Hold, NameLock, TableId, TableRecord, shown};
use crate::dataframe::DataFrame;
use crate::scan::Format;
use crate::session::Session;
use tidemill_planner::{Error, Result};

/// What a command works with.
pub(super) struct Context<'a> {
    pub(super) session: &'a Session,
    pub(super) settings: Arc<Settings>,
    /// The statement's text.
    pub(super) text: &'a str,
}

impl Context<'_> {
    pub(super) fn catalog(&self) -> &Catalog {
        self.session.objects()
    }

    /// The parts of a name, computed if need be.
    pub(super) fn parts(&self, name: &TableName) -> Result<Vec<String>> {
        match name {
            TableName::Parts(parts) => Ok(parts.clone()),
            TableName::Identifier(_) => {
                let named = NamedTable { name: name.clone(), temporal: None, options: Default::default(), is_streaming: false };
                let relation: Relation = RelationKind::NamedTable(named).into();
                let opened = crate::open::at_first(self.session);
                match requests(&relation, &opened, &self.settings)?.into_iter().next() {
                    Some(Request::Table { name, .. }) => Ok(name),
                    _ => Err(error("INTERNAL_ERROR", "IDENTIFIER(…) named no table: please report it")),
                }
            }
        }
    }

    /// The table, view or function of the catalog that a name means.
    pub(super) fn id(&self, parts: &[String]) -> Result<TableId> {
        TableId::of(parts, &self.settings)
    }

    /// What a name stands for, held until the lock is dropped. What was never in the catalog has none.
    pub(super) async fn held(&self, parts: &[String], hold: Hold) -> Result<(Found, Option<NameLock>)> {
        let id = match self.catalog().temp_view(parts, &self.settings) {
            None => self.id(parts).ok(),
            Some(_) => None,
        };
        let Some(id) = id else { return Ok((self.catalog().find(parts, &self.settings).await?, None)) };
        loop {
            let lock = self.catalog().lock(&id, hold).await?;
            let found = self.catalog().find(parts, &self.settings).await?;
            // One that was made between the two looks is held next time.
            if lock.is_some() || !matches!(found, Found::Entry(_)) {
                return Ok((found, lock));
            }
        }
    }

    /// The table of that name.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`; `EXPECT_TABLE_NOT_VIEW` for a view, with `alternative` if ALTER VIEW does the same.
    pub(super) async fn table(&self, parts: &[String], doing: &str, alternative: bool) -> Result<TableRecord> {
        let found = self.catalog().find(parts, &self.settings).await?;
        self.found_table(found, parts, doing, alternative).await
    }

    /// The table of that name, held until the lock is dropped.
    ///
    /// # Errors
    /// Those of [`Context::table`].
    pub(super) async fn table_held(&self, parts: &[String], doing: &str, hold: Hold) -> Result<(TableRecord, Option<NameLock>)> {
        let (found, lock) = self.held(parts, hold).await?;
        Ok((self.found_table(found, parts, doing, false).await?, lock))
    }

    async fn found_table(&self, found: Found, parts: &[String], doing: &str, alternative: bool) -> Result<TableRecord> {
        let view = |name: String| {
            let condition = if alternative { "EXPECT_TABLE_NOT_VIEW.USE_ALTER_VIEW" } else { "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE" };
            let hint = if alternative { "say ALTER VIEW" } else { "name a table" };
            error(condition, format!("{doing} is for tables, and {name} is a view: {hint}"))
                .with_parameter("viewName", name)
                .with_parameter("operation", doing)
        };
        match found {
            Found::Temp(_) => Err(view(shown(parts))),
            Found::Entry(entry) => match *entry {
                Entry::Table(table) => Ok(table),
                Entry::View(record) => Err(view(shown(&record.full_name()))),
            },
            Found::Missing => Err(self.catalog().not_found(parts, &self.settings).await),
        }
    }

    /// What expressions without columns mean.
    pub(super) async fn typed(&self, expressions: &[Expression]) -> Result<Vec<Typed>> {
        let relation: Relation = RelationKind::Project { input: RelationKind::OneRow.into(), expressions: expressions.to_vec() }.into();
        let opened = crate::open::opened_for(self.session, &relation).await?;
        expressions.iter().map(|expression| resolve_expression(expression, &[], &opened, &self.settings)).collect()
    }

    /// The values of expressions without columns, in their types or in one that is asked for.
    pub(super) async fn values(&self, expressions: &[(&Expression, Option<&SparkType>)]) -> Result<Vec<(SparkType, ScalarValue)>> {
        if expressions.is_empty() {
            return Ok(Vec::new());
        }
        let typed = self.typed(&expressions.iter().map(|(e, _)| (*e).clone()).collect::<Vec<_>>()).await?;
        let mut columns = Vec::new();
        for (place, (value, (expression, wanted))) in typed.into_iter().zip(expressions).enumerate() {
            let value = match wanted {
                Some(data_type) => self.assigned(value, &StructField::new(format!("value {place}"), (*data_type).clone()), None)?,
                None => cast::store_cast(value.clone(), &value.data_type, "", &self.settings, expression.span)?,
            };
            columns.push((value.clone(), StructField::new(format!("value {place}"), value.data_type)));
        }
        let types: Vec<SparkType> = columns.iter().map(|(_, field)| field.data_type.clone()).collect();
        let frame = self.project(LogicalPlanBuilder::empty(true).build()?, columns)?;
        let batches = frame.collect().await?;
        let row = batches.iter().find(|batch| batch.num_rows() > 0);
        let row = row.ok_or_else(|| error("INTERNAL_ERROR", "a constant gave no value: please report it"))?;
        types
            .into_iter()
            .zip(row.columns())
            .map(|(data_type, column)| {
                Ok((data_type, if column.is_null(0) { null_of(column)? } else { ScalarValue::try_from_array(column, 0)? }))
            })
            .collect()
    }

    /// A value as a column of a table takes it: checked by the session's policy for INSERT, cast, its length checked.
    ///
    /// # Errors
    /// `INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST` with the table's name, `CAST_INVALID_INPUT` and the like later.
    pub(super) fn assigned(&self, value: Typed, column: &StructField, table: Option<&str>) -> Result<Typed> {
        let policy = self.settings.get("spark.sql.storeAssignmentPolicy").unwrap_or("ANSI").to_uppercase();
        let (from, to) = (lattice::without_char_varchar(&value.data_type), lattice::without_char_varchar(&column.data_type));
        let fits = match policy.as_str() {
            "LEGACY" => lattice::can_cast(&from, &to, false, false),
            "STRICT" => from == to || lattice::can_up_cast(&from, &to),
            _ => lattice::can_store_assign(&from, &relaxed(&to)),
        };
        if !fits {
            let place = table.map_or_else(String::new, |table| format!(" of the table {table}"));
            let message = format!(
                "a value of type \"{}\" does not go into the column `{}`{place} of type \"{}\": CAST it",
                from.sql(),
                column.name,
                to.sql()
            );
            let condition = if table.is_some() {
                "INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST"
            } else {
                "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION"
            };
            return Err(error(condition, message)
                .with_parameter("tableName", table.unwrap_or_default())
                .with_parameter("colName", format!("`{}`", column.name))
                .with_parameter("srcType", format!("\"{}\"", from.sql()))
                .with_parameter("targetType", format!("\"{}\"", to.sql())));
        }
        if policy == "LEGACY" {
            let made = cast::cast(value, &to, tidemill_spark::plan::CastMode::Session, &self.settings, None)?;
            return Ok(cast::write_side(made, &column.data_type, &self.settings, None));
        }
        cast::store_cast(value, &column.data_type, &column.name, &self.settings, None)
    }

    /// The provider's name as it is kept.
    ///
    /// # Errors
    /// `DATA_SOURCE_NOT_FOUND`
    pub(super) fn provider(&self, given: Option<&str>) -> Result<String> {
        let named = given.unwrap_or_else(|| self.settings.get("spark.sql.sources.default").unwrap_or("parquet"));
        match Format::parse(named) {
            Ok(format) => Ok(format.name().to_owned()),
            Err(_) => {
                let message = format!("there is no provider `{named}`: use parquet, csv, json, arrow or delta");
                Err(error("DATA_SOURCE_NOT_FOUND", message).with_parameter("provider", named))
            }
        }
    }

    /// These columns of a plan as a DataFrame, each under its name.
    pub(super) fn project(&self, plan: LogicalPlan, columns: Vec<(Typed, StructField)>) -> Result<DataFrame> {
        let mut exprs: Vec<Expr> = Vec::new();
        let mut output = Vec::new();
        for (typed, field) in columns {
            exprs.push(typed.expr.alias(&field.name));
            output.push(OutputColumn { id: field.name.clone(), field, qualifier: Vec::new() });
        }
        let plan = LogicalPlanBuilder::from(plan).project(exprs)?.build()?;
        Ok(DataFrame::resolved(self.session.clone(), Resolved { plan, output }))
    }

    /// The place that LOCATION names: a path that is not absolute lies below the folder of the table's database.
    pub(super) async fn location_in(&self, text: &str, database: &str) -> Result<String> {
        if database.is_empty() || text.trim().is_empty() || text.starts_with('/') || text.contains(':') {
            return self.location(text);
        }
        let folder = self.catalog().table_folder(&TableId { database: database.to_owned(), name: text.to_owned() }).await?;
        self.location(&folder.display().to_string())
    }

    /// A local path out of a path or URL; a path that is not absolute is one of the process.
    pub(super) fn location(&self, text: &str) -> Result<String> {
        if text.trim().is_empty() {
            return Err(error("INVALID_EMPTY_LOCATION", "the location is empty: give a folder's path"));
        }
        // One folder has one name: no slash at the end, no `.` between.
        let path: PathBuf = crate::scan::local_path(text)?.components().collect();
        path.to_str().map(str::to_owned).ok_or_else(|| Error::analysis(format!("{}: the path is not UTF-8", path.display())))
    }
}

/// The same type, nulls allowed at every depth: what tables of files hold.
pub(super) fn relaxed(data_type: &SparkType) -> SparkType {
    match data_type {
        SparkType::Array(element, _) => SparkType::Array(Box::new(relaxed(element)), true),
        SparkType::Map(key, value, _) => SparkType::Map(Box::new(relaxed(key)), Box::new(relaxed(value)), true),
        SparkType::Struct(fields) => SparkType::Struct(
            fields.iter().map(|field| StructField { data_type: relaxed(&field.data_type), nullable: true, ..field.clone() }).collect(),
        ),
        other => other.clone(),
    }
}

fn null_of(column: &dyn Array) -> Result<ScalarValue> {
    Ok(ScalarValue::try_from(column.data_type())?)
}

/// A column of a resolved query as a value.
pub(super) fn column_of(column: &OutputColumn) -> Typed {
    Typed::new(
        Expr::Column(datafusion::common::Column::from_name(&column.id)),
        column.field.data_type.clone(),
        column.field.nullable,
        column.field.name.as_str(),
    )
}
