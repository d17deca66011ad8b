//! Rows into tables of the catalog: `df.write().save_as_table(name)`, `insert_into`, and `df.write_to(name)`. The commands of SQL do the
//! work, over a view of the rows that only the write knows.

use std::collections::BTreeMap;

use tidemill_spark::parse::{ParseOptions, parse_multipart_identifier};
use tidemill_spark::plan::{Command, Expression, InsertMode, Relation, TableName, TableSpec};

use crate::column::Column;
use crate::dataframe::DataFrame;
use crate::held::new_plan_id;
use crate::io::{DataFrameWriter, Mode};
use crate::session::Session;
use tidemill_planner::Result;

/// Collects how rows go into a table of the catalog.
#[derive(Debug, Clone)]
pub struct DataFrameWriterV2 {
    frame: DataFrame,
    table: String,
    spec: TableSpec,
}

impl DataFrame {
    /// Writes these rows to a table of the catalog.
    pub fn write_to(&self, table: &str) -> DataFrameWriterV2 {
        DataFrameWriterV2 { frame: self.clone(), table: table.to_owned(), spec: TableSpec::default() }
    }
}

impl DataFrameWriterV2 {
    /// The format of a new table: `parquet` unless `spark.sql.sources.default` says otherwise.
    #[must_use]
    pub fn using(mut self, format: &str) -> Self {
        self.spec.provider = Some(format.to_owned());
        self
    }

    /// An option of the new table.
    #[must_use]
    pub fn option(mut self, name: &str, value: impl ToString) -> Self {
        self.spec.options.insert(name.to_owned(), value.to_string());
        self
    }

    /// Options of the new table.
    #[must_use]
    pub fn options<'a>(self, options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        options.into_iter().fold(self, |writer, (name, value)| writer.option(name, value))
    }

    /// A property of the new table.
    #[must_use]
    pub fn table_property(mut self, name: &str, value: &str) -> Self {
        self.spec.properties.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The columns by which the new table is cut into folders.
    #[must_use]
    pub fn partitioned_by<C: Into<Column>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.spec.partitioned_by = columns.into_iter().map(|column| column.into().expression).collect();
        self
    }

    /// Makes the table.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_ALREADY_EXISTS`, and those of the query.
    pub async fn create(self) -> Result<()> {
        create(&self.frame, &self.table, self.spec, Make::New).await
    }

    /// Makes the table in the place of one that has to be there.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`, and those of the query.
    pub async fn replace(self) -> Result<()> {
        create(&self.frame, &self.table, self.spec, Make::Replace).await
    }

    /// Makes the table, in the place of one if that is there.
    ///
    /// # Errors
    /// Those of the query.
    pub async fn create_or_replace(self) -> Result<()> {
        create(&self.frame, &self.table, self.spec, Make::NewOrReplace).await
    }

    /// Adds the rows to the table, columns matched by name.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`, columns that do not fit, and those of the query.
    pub async fn append(self) -> Result<()> {
        insert(&self.frame, &self.table, InsertMode::Append, true).await
    }
}

impl DataFrameWriter {
    /// Writes the rows as a table of the catalog. Where there is one of that name, the mode says what happens: `append` adds the rows,
    /// columns matched by name.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_ALREADY_EXISTS` in the mode `error`, and those of the query.
    pub async fn save_as_table(&self, name: &str) -> Result<()> {
        let spec = TableSpec {
            provider: self.format.clone(),
            options: self.options.clone(),
            partitioned_by: self.partition_by.iter().map(|column| Expression::attribute([column.clone()])).collect(),
            ..TableSpec::default()
        };
        match Mode::parse(&self.mode)? {
            Mode::Append if self.frame.session().catalog().table_exists(name).await? => {
                insert(&self.frame, name, InsertMode::Append, true).await
            }
            Mode::Append | Mode::Error => create(&self.frame, name, spec, Make::New).await,
            Mode::Ignore => create(&self.frame, name, spec, Make::IfNotExists).await,
            Mode::Overwrite => create(&self.frame, name, spec, Make::NewOrReplace).await,
        }
    }

    /// Adds the rows to a table of the catalog, columns matched by place; in the mode `overwrite` they replace its rows.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`, columns that do not fit, and those of the query.
    pub async fn insert_into(&self, name: &str) -> Result<()> {
        let mode = if Mode::parse(&self.mode)? == Mode::Overwrite { InsertMode::Overwrite } else { InsertMode::Append };
        insert(&self.frame, name, mode, false).await
    }
}

/// What becomes of a table that is there.
#[derive(Clone, Copy, PartialEq)]
enum Make {
    New,
    IfNotExists,
    Replace,
    NewOrReplace,
}

async fn create(frame: &DataFrame, name: &str, spec: TableSpec, make: Make) -> Result<()> {
    let rows = Rows::of(frame).await?;
    let command = Command::CreateTable {
        name: table_name(frame.session(), name)?,
        spec: Box::new(spec),
        query: Some(rows.relation()),
        if_not_exists: make == Make::IfNotExists,
        or_replace: make == Make::NewOrReplace,
        replace_only: make == Make::Replace,
        external: false,
        temporary: false,
    };
    super::run(frame.session(), &command, "").await.map(drop)
}

async fn insert(frame: &DataFrame, name: &str, mode: InsertMode, by_name: bool) -> Result<()> {
    let rows = Rows::of(frame).await?;
    let command = Command::Insert {
        table: table_name(frame.session(), name)?,
        columns: Vec::new(),
        by_name,
        partition: Vec::new(),
        mode,
        if_not_exists: false,
        schema_evolution: false,
        options: BTreeMap::new(),
        query: rows.relation(),
    };
    super::run(frame.session(), &command, "").await.map(drop)
}

fn table_name(session: &Session, name: &str) -> Result<TableName> {
    Ok(TableName::Parts(parse_multipart_identifier(name, &ParseOptions::new(&session.spark_settings())?)?))
}

/// Rows as a temporary view, for as long as a command needs them.
struct Rows<'a> {
    session: &'a Session,
    name: String,
}

impl<'a> Rows<'a> {
    async fn of(frame: &'a DataFrame) -> Result<Self> {
        let name = format!("_tidemill_rows_{}", new_plan_id().0);
        let view = crate::open::resolved_view(&name, frame.meaning_opened().await?, false);
        frame.session().objects().put_temp_view(view, true, &frame.session().spark_settings())?;
        Ok(Self { session: frame.session(), name })
    }

    fn relation(&self) -> Relation {
        Relation::table([self.name.clone()])
    }
}

impl Drop for Rows<'_> {
    fn drop(&mut self) {
        self.session.drop_temp_view(&self.name);
    }
}
