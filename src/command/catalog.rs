//! `session.catalog()`: what there is by name, as Spark's `Catalog` lists it. The commands of SQL do the work.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListBuilder, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use tidemill_spark::parse::{ParseOptions, parse_multipart_identifier, parse_table_schema};
use tidemill_spark::plan::{ColumnDefinition, Command, Expression, ObjectKind, TableName, TableSpec};
use tidemill_spark::types::StructField;

use crate::catalog::{CATALOG, Entry, Found, GLOBAL_TEMP};
use crate::dataframe::DataFrame;
use crate::open;
use crate::session::Session;
use tidemill_planner::{Error, Result};

/// The databases, tables, views and functions that a session knows by name.
#[derive(Debug, Clone)]
pub struct Catalog {
    session: Session,
}

/// A row of a list of tables.
struct Listed {
    name: String,
    namespace: Vec<String>,
    description: Option<String>,
    kind: &'static str,
    temporary: bool,
}

impl Session {
    /// What there is by name.
    pub fn catalog(&self) -> Catalog {
        Catalog { session: self.clone() }
    }
}

impl Catalog {
    async fn run(&self, command: Command) -> Result<DataFrame> {
        super::run(&self.session, &command, "").await
    }

    fn parts(&self, name: &str) -> Result<Vec<String>> {
        parse_multipart_identifier(name, &ParseOptions::new(&self.session.spark_settings())?)
    }

    fn name(&self, name: &str) -> Result<TableName> {
        Ok(TableName::Parts(self.parts(name)?))
    }

    fn rows(&self, columns: Vec<(&str, ArrayRef)>) -> Result<DataFrame> {
        let fields: Vec<Field> = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
        let columns = columns.into_iter().map(|(_, array)| array).collect();
        self.session.create_dataframe(vec![RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?])
    }

    /// The one catalog.
    pub fn current_catalog(&self) -> String {
        CATALOG.to_owned()
    }

    /// Takes the one catalog.
    ///
    /// # Errors
    /// `CATALOG_NOT_FOUND` for another one.
    pub async fn set_current_catalog(&self, name: &str) -> Result<()> {
        self.run(Command::SetCatalog { name: name.to_owned() }).await.map(drop)
    }

    /// The catalogs that a pattern (`a*|b*`) is like: `name`, `description`.
    ///
    /// # Errors
    /// None so far.
    pub async fn list_catalogs(&self, pattern: Option<&str>) -> Result<DataFrame> {
        let names = if crate::catalog::is_like(CATALOG, pattern) { vec![CATALOG.to_owned()] } else { Vec::new() };
        let none = vec![None; names.len()];
        self.rows(vec![("name", texts(names)), ("description", maybe(none))])
    }

    /// The database in which names without one are looked up.
    pub fn current_database(&self) -> String {
        self.session.objects().current_database()
    }

    /// Looks names without a database up in another one from here on.
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND`
    pub async fn set_current_database(&self, name: &str) -> Result<()> {
        self.run(Command::Use { name: self.name(name)? }).await.map(drop)
    }

    /// The databases that a pattern is like: `name`, `catalog`, `description`, `locationUri`.
    ///
    /// # Errors
    /// When a record does not read.
    pub async fn list_databases(&self, pattern: Option<&str>) -> Result<DataFrame> {
        let names = self.session.objects().databases(pattern).await?;
        self.databases(&names).await
    }

    /// A database, as [`Catalog::list_databases`] lists it.
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND`
    pub async fn get_database(&self, name: &str) -> Result<DataFrame> {
        let name = self.session.objects().database_name(&self.parts(name)?, &self.session.spark_settings())?;
        self.databases(&[name]).await
    }

    async fn databases(&self, names: &[String]) -> Result<DataFrame> {
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            found.push(self.session.objects().need_database(name).await?);
        }
        self.rows(vec![
            ("name", texts(found.iter().map(|database| database.name.clone()))),
            ("catalog", texts(found.iter().map(|_| CATALOG.to_owned()))),
            ("description", maybe(found.iter().map(|database| database.comment.clone()))),
            ("locationUri", texts(found.iter().map(|database| format!("file:{}", database.location)))),
        ])
    }

    /// Whether there is a database of that name.
    ///
    /// # Errors
    /// When a record does not read.
    pub async fn database_exists(&self, name: &str) -> Result<bool> {
        let name = self.session.objects().database_name(&self.parts(name)?, &self.session.spark_settings())?;
        Ok(self.session.objects().database(&name).await?.is_some())
    }

    /// Makes a database.
    ///
    /// # Errors
    /// `SCHEMA_ALREADY_EXISTS` unless `if_not_exists`.
    pub async fn create_database(&self, name: &str, if_not_exists: bool) -> Result<()> {
        let (comment, location, properties) = (None, None, BTreeMap::new());
        self.run(Command::CreateNamespace { name: self.name(name)?, if_not_exists, comment, location, properties }).await.map(drop)
    }

    /// Drops a database, with `cascade` and all that is in it.
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND` unless `if_exists`, `SCHEMA_NOT_EMPTY` unless `cascade`.
    pub async fn drop_database(&self, name: &str, if_exists: bool, cascade: bool) -> Result<()> {
        self.run(Command::DropNamespace { name: self.name(name)?, if_exists, cascade }).await.map(drop)
    }

    /// The tables and views of a database, the current one unless it is named, and the temporary views: `name`, `catalog`,
    /// `namespace`, `description`, `tableType`, `isTemporary`.
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND`
    pub async fn list_tables(&self, database: Option<&str>, pattern: Option<&str>) -> Result<DataFrame> {
        self.listed(self.tables(database, pattern).await?)
    }

    /// Those of [`Catalog::list_tables`] that are views.
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND`
    pub async fn list_views(&self, database: Option<&str>, pattern: Option<&str>) -> Result<DataFrame> {
        let tables = self.tables(database, pattern).await?;
        self.listed(tables.into_iter().filter(|table| table.temporary || table.kind == "VIEW").collect())
    }

    async fn tables(&self, database: Option<&str>, pattern: Option<&str>) -> Result<Vec<Listed>> {
        let (objects, settings) = (self.session.objects(), self.session.spark_settings());
        let database = match database {
            Some(name) => objects.database_name(&self.parts(name)?, &settings)?,
            None => settings.current_database.clone(),
        };
        let global = database == GLOBAL_TEMP;
        let mut found = Vec::new();
        if !global {
            objects.need_database(&database).await?;
            found.extend(objects.entries_like(&database, pattern).await?.iter().map(|entry| described(entry, &database)));
        }
        found.extend(objects.temp_views(global, pattern).into_iter().map(|(name, view)| temporary(name, view.global, view.comment)));
        Ok(found)
    }

    fn listed(&self, tables: Vec<Listed>) -> Result<DataFrame> {
        let mut namespaces = ListBuilder::new(StringBuilder::new());
        for table in &tables {
            if table.namespace.is_empty() {
                namespaces.append_null();
            } else {
                table.namespace.iter().for_each(|part| namespaces.values().append_value(part));
                namespaces.append(true);
            }
        }
        self.rows(vec![
            ("name", texts(tables.iter().map(|table| table.name.clone()))),
            ("catalog", maybe(tables.iter().map(|table| (!table.temporary).then(|| CATALOG.to_owned())))),
            ("namespace", Arc::new(namespaces.finish())),
            ("description", maybe(tables.iter().map(|table| table.description.clone()))),
            ("tableType", texts(tables.iter().map(|table| table.kind.to_owned()))),
            ("isTemporary", flags(tables.iter().map(|table| table.temporary))),
        ])
    }

    async fn found(&self, name: &str) -> Result<Found> {
        let (parts, settings) = (self.parts(name)?, self.session.spark_settings());
        match self.session.objects().find(&parts, &settings).await? {
            Found::Missing => Err(self.session.objects().not_found(&parts, &settings).await),
            found => Ok(found),
        }
    }

    /// A table or view, as [`Catalog::list_tables`] lists it.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`
    pub async fn get_table(&self, name: &str) -> Result<DataFrame> {
        let table = match self.found(name).await? {
            Found::Temp(view) => temporary(view.name, view.global, view.comment),
            Found::Entry(entry) => {
                let database = match entry.as_ref() {
                    Entry::Table(table) => table.database.clone(),
                    Entry::View(view) => view.database.clone(),
                };
                described(&entry, &database)
            }
            Found::Missing => return Err(Error::internal("a missing table was found")),
        };
        self.listed(vec![table])
    }

    /// Whether there is a table or view of that name.
    ///
    /// # Errors
    /// When a record does not read.
    pub async fn table_exists(&self, name: &str) -> Result<bool> {
        let (parts, settings) = (self.parts(name)?, self.session.spark_settings());
        Ok(!matches!(self.session.objects().find(&parts, &settings).await?, Found::Missing))
    }

    /// The columns of a table or view: `name`, `description`, `dataType`, `nullable`, `isPartition`, `isBucket`, `isCluster`.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`
    pub async fn list_columns(&self, table: &str) -> Result<DataFrame> {
        let (fields, partitions) = match self.found(table).await? {
            Found::Temp(view) => (view.columns, Vec::new()),
            Found::Entry(entry) => match *entry {
                Entry::Table(table) => (open::table_fields(&table).await?, table.partition_columns),
                Entry::View(view) => (view.columns.iter().map(|column| column.field()).collect::<Result<_>>()?, Vec::new()),
            },
            Found::Missing => return Err(Error::internal("a missing table was found")),
        };
        let no = || flags(fields.iter().map(|_| false));
        self.rows(vec![
            ("name", texts(fields.iter().map(|field| field.name.clone()))),
            ("description", maybe(fields.iter().map(|field| field.metadata.get("comment").cloned()))),
            ("dataType", texts(fields.iter().map(|field| field.data_type.to_string()))),
            ("nullable", flags(fields.iter().map(|field| field.nullable))),
            ("isPartition", flags(fields.iter().map(|field| partitions.contains(&field.name)))),
            ("isBucket", no()),
            ("isCluster", no()),
        ])
    }

    /// The partitions of a table of files: `partition`.
    ///
    /// # Errors
    /// Those of SHOW PARTITIONS.
    pub async fn list_partitions(&self, table: &str) -> Result<DataFrame> {
        self.run(Command::ShowPartitions { table: self.name(table)?, partition: Vec::new() }).await
    }

    /// What CREATE TABLE would say to make a table.
    ///
    /// # Errors
    /// Those of SHOW CREATE TABLE.
    pub async fn get_create_table_string(&self, table: &str) -> Result<String> {
        let rows = self.run(Command::ShowCreateTable { table: self.name(table)?, as_serde: false }).await?.collect().await?;
        Ok(text_at(&rows, 0).into_iter().next().unwrap_or_default())
    }

    /// A table's properties.
    ///
    /// # Errors
    /// Those of SHOW TBLPROPERTIES.
    pub async fn get_table_properties(&self, table: &str) -> Result<BTreeMap<String, String>> {
        let rows = self.run(Command::ShowTableProperties { table: self.name(table)?, key: None }).await?.collect().await?;
        Ok(text_at(&rows, 0).into_iter().zip(text_at(&rows, 1)).collect())
    }

    /// Makes an empty table of a format (`delta`, `parquet`, …) with columns in Spark's DDL, at `path` if that is given.
    ///
    /// # Errors
    /// Those of CREATE TABLE.
    pub async fn create_table(&self, name: &str, format: &str, schema: &str, path: Option<&str>) -> Result<()> {
        let fields = parse_table_schema(schema, &ParseOptions::new(&self.session.spark_settings())?)?;
        self.create_table_of(name, format, fields, &[], path).await
    }

    /// The same of columns, some of which make folders.
    pub(crate) async fn create_table_of(
        &self,
        name: &str,
        format: &str,
        fields: Vec<StructField>,
        partition_by: &[String],
        path: Option<&str>,
    ) -> Result<()> {
        let column = |field: StructField| ColumnDefinition {
            name: vec![field.name],
            comment: field.metadata.get("comment").cloned(),
            data_type: field.data_type,
            nullable: field.nullable,
            default: None,
            generated: None,
            position: None,
        };
        let spec = TableSpec {
            columns: fields.into_iter().map(column).collect(),
            provider: Some(format.to_owned()),
            location: path.map(str::to_owned),
            partitioned_by: partition_by.iter().map(|name| Expression::attribute([name.as_str()])).collect(),
            ..TableSpec::default()
        };
        let command = Command::CreateTable {
            name: self.name(name)?,
            spec: Box::new(spec),
            query: None,
            if_not_exists: false,
            or_replace: false,
            replace_only: false,
            external: false,
            temporary: false,
        };
        self.run(command).await.map(drop)
    }

    /// Drops a table.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND` unless `if_exists`.
    pub async fn drop_table(&self, name: &str, if_exists: bool) -> Result<()> {
        self.run(Command::DropTable { name: self.name(name)?, kind: ObjectKind::Table, if_exists, purge: false }).await.map(drop)
    }

    /// Drops a view.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND` unless `if_exists`.
    pub async fn drop_view(&self, name: &str, if_exists: bool) -> Result<()> {
        self.run(Command::DropTable { name: self.name(name)?, kind: ObjectKind::View, if_exists, purge: false }).await.map(drop)
    }

    /// Forgets a temporary view; whether there was one.
    pub fn drop_temp_view(&self, name: &str) -> bool {
        self.session.drop_temp_view(name)
    }

    /// Forgets a view of `global_temp`; whether there was one.
    pub fn drop_global_temp_view(&self, name: &str) -> bool {
        self.session.objects().drop_temp_view(&[GLOBAL_TEMP.to_owned(), name.to_owned()], &self.session.spark_settings())
    }

    /// Takes all rows out of a table.
    ///
    /// # Errors
    /// Those of TRUNCATE TABLE.
    pub async fn truncate_table(&self, name: &str) -> Result<()> {
        self.run(Command::TruncateTable { name: self.name(name)?, partition: None }).await.map(drop)
    }

    /// The functions that a pattern is like, Spark's and those of a database: `name`, `description`, `isTemporary`.
    ///
    /// # Errors
    /// `SCHEMA_NOT_FOUND`
    pub async fn list_functions(&self, database: Option<&str>, pattern: Option<&str>) -> Result<DataFrame> {
        let namespace = database.map(|name| self.name(name)).transpose()?;
        let command = Command::ShowFunctions { scope: None, namespace, pattern: pattern.map(str::to_owned) };
        let rows = self.run(command).await?.collect().await?;
        self.functions(text_at(&rows, 0))
    }

    /// A function, as [`Catalog::list_functions`] lists it.
    ///
    /// # Errors
    /// `ROUTINE_NOT_FOUND`
    pub async fn get_function(&self, name: &str) -> Result<DataFrame> {
        if !self.function_exists(name).await? {
            return Err(crate::catalog::routine_not_found(name));
        }
        self.functions(vec![name.to_owned()])
    }

    fn functions(&self, names: Vec<String>) -> Result<DataFrame> {
        let usage = |name: &String| tidemill_spark::functions::lookup(name).map(|row| row.usage.to_owned());
        let temporary = |name: &String| usage(name).is_some() || !name.contains('.');
        let descriptions = maybe(names.iter().map(usage));
        let flags = flags(names.iter().map(temporary));
        self.rows(vec![("name", texts(names)), ("description", descriptions), ("isTemporary", flags)])
    }

    /// Whether there is a function of that name.
    ///
    /// # Errors
    /// When a record does not read.
    pub async fn function_exists(&self, name: &str) -> Result<bool> {
        let parts = self.parts(name)?;
        let known = matches!(parts.as_slice(), [name] if tidemill_spark::functions::lookup(name).is_some());
        Ok(known || self.session.objects().function(&parts, &self.session.spark_settings()).await?.is_some())
    }

    /// Looks a table's partitions up anew: they are its folders, so there is nothing to do but to see that it has some.
    ///
    /// # Errors
    /// Those of MSCK REPAIR TABLE.
    pub async fn recover_partitions(&self, table: &str) -> Result<()> {
        self.run(Command::RepairTable { name: self.name(table)? }).await.map(drop)
    }

    /// Reads a table's files anew, as every query does: it has to be there.
    ///
    /// # Errors
    /// `TABLE_OR_VIEW_NOT_FOUND`
    pub async fn refresh_table(&self, table: &str) -> Result<()> {
        self.run(Command::Refresh { what: "TABLE".to_owned(), name: self.name(table)? }).await.map(drop)
    }
}

fn described(entry: &Entry, database: &str) -> Listed {
    let (kind, description) = match entry {
        Entry::View(view) => ("VIEW", view.comment.clone()),
        Entry::Table(table) if table.external => ("EXTERNAL", table.comment.clone()),
        Entry::Table(table) => ("MANAGED", table.comment.clone()),
    };
    Listed { name: entry.name().to_owned(), namespace: vec![database.to_owned()], description, kind, temporary: false }
}

fn temporary(name: String, global: bool, description: Option<String>) -> Listed {
    let namespace = if global { vec![GLOBAL_TEMP.to_owned()] } else { Vec::new() };
    Listed { name, namespace, description, kind: "TEMPORARY", temporary: true }
}

fn texts(values: impl IntoIterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn maybe(values: impl IntoIterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

fn flags(values: impl IntoIterator<Item = bool>) -> ArrayRef {
    Arc::new(BooleanArray::from(values.into_iter().collect::<Vec<_>>()))
}

/// The texts of a column.
fn text_at(batches: &[RecordBatch], column: usize) -> Vec<String> {
    let texts = batches.iter().filter(|batch| batch.column(column).data_type() == &DataType::Utf8);
    texts
        .flat_map(|batch| {
            batch.column(column).as_string::<i32>().iter().map(|text| text.unwrap_or_default().to_owned()).collect::<Vec<_>>()
        })
        .collect()
}
