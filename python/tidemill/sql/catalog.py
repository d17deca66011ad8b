"""What there is by name, by PySpark's names: `spark.catalog`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tidemill.errors import PySparkTypeError
from tidemill.sql.dataframe import DataFrame
from tidemill.sql.types import Row, StructType
from tidemill.storagelevel import StorageLevel

if TYPE_CHECKING:
    from tidemill.sql.session import SparkSession

__all__ = ["Catalog", "CatalogMetadata", "Column", "Database", "Function", "Table", "TablePartition"]


class CatalogMetadata(NamedTuple):
    """A catalog."""

    name: str
    description: str | None


class Database(NamedTuple):
    """A database."""

    name: str
    catalog: str | None
    description: str | None
    locationUri: str


class Table(NamedTuple):
    """A table or view."""

    name: str
    catalog: str | None
    namespace: list[str] | None
    description: str | None
    tableType: str
    isTemporary: bool

    @property
    def database(self) -> str | None:
        """The database that it is in."""
        return self.namespace[0] if self.namespace and len(self.namespace) == 1 else None


class Column(NamedTuple):
    """A column of a table."""

    name: str
    description: str | None
    dataType: str
    nullable: bool
    isPartition: bool
    isBucket: bool
    isCluster: bool


class TablePartition(NamedTuple):
    """A partition of a table."""

    partition: str


class Function(NamedTuple):
    """A function."""

    name: str
    catalog: str | None
    namespace: list[str] | None
    description: str | None
    className: str
    isTemporary: bool


def _function(row: Row) -> Function:
    *namespace, name = row["name"].split(".")
    catalog = namespace[0] if len(namespace) == 2 else None
    return Function(name, catalog, namespace[1:] or None, row["description"], "", row["isTemporary"])


def _column(row: Row) -> Column:
    return Column(row["name"], row["description"], row["dataType"], row["nullable"], row["isPartition"], row["isBucket"], row["isCluster"])


def _table(row: Row) -> Table:
    return Table(row["name"], row["catalog"], row["namespace"], row["description"], row["tableType"], row["isTemporary"])


def _database(row: Row) -> Database:
    return Database(row["name"], row["catalog"], row["description"], row["locationUri"])


class Catalog:
    """The databases, tables, views and functions that a session knows by name."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark, self._catalog = spark, spark._engine.catalog()

    def _rows(self, what: str, within: str | None = None, pattern: str | None = None) -> list[Row]:
        return self._catalog.list(what, within, pattern).collect()

    def currentCatalog(self) -> str:
        """The catalog in which names are looked up."""
        return self._catalog.current_catalog()

    def setCurrentCatalog(self, catalogName: str) -> None:
        """Makes a catalog the current one: there is one."""
        self._catalog.set_current("catalog", catalogName)

    def listCatalogs(self, pattern: str | None = None) -> list[CatalogMetadata]:
        """The catalogs."""
        return [CatalogMetadata(row["name"], row["description"]) for row in self._rows("catalogs", None, pattern)]

    def currentDatabase(self) -> str:
        """The database in which names are looked up."""
        return self._catalog.current_database()

    def setCurrentDatabase(self, dbName: str) -> None:
        """Makes a database the current one."""
        self._catalog.set_current("database", dbName)

    def listDatabases(self, pattern: str | None = None) -> list[Database]:
        """The databases."""
        return [_database(row) for row in self._rows("databases", None, pattern)]

    def getDatabase(self, dbName: str) -> Database:
        """A database."""
        return _database(self._catalog.get("database", dbName).collect()[0])

    def databaseExists(self, dbName: str) -> bool:
        """Whether there is a database of that name."""
        return self._catalog.exists("database", dbName)

    def listTables(self, dbName: str | None = None, pattern: str | None = None) -> list[Table]:
        """The tables and views of a database, the current one if none is named, and the temporary views."""
        return [_table(row) for row in self._rows("tables", dbName, pattern)]

    def listViews(self, dbName: str | None = None, pattern: str | None = None) -> list[Table]:
        """The views of a database, the current one if none is named, and the temporary ones."""
        return [_table(row) for row in self._rows("views", dbName, pattern)]

    def listPartitions(self, tableName: str) -> list[TablePartition]:
        """The partitions of a table, as SHOW PARTITIONS has them."""
        return [TablePartition(row[0]) for row in self._catalog.list_partitions(tableName).collect()]

    def getTable(self, tableName: str) -> Table:
        """A table or view."""
        return _table(self._catalog.get("table", tableName).collect()[0])

    def tableExists(self, tableName: str, dbName: str | None = None) -> bool:
        """Whether there is a table or view of that name."""
        return self._catalog.exists("table", tableName if dbName is None else f"{dbName}.{tableName}")

    def listColumns(self, tableName: str, dbName: str | None = None) -> list[Column]:
        """The columns of a table or view."""
        return [_column(row) for row in self._rows("columns", tableName if dbName is None else f"{dbName}.{tableName}")]

    def listFunctions(self, dbName: str | None = None, pattern: str | None = None) -> list[Function]:
        """The functions: Spark's, the session's, and those of a database."""
        return [_function(row) for row in self._rows("functions", dbName, pattern)]

    def getFunction(self, functionName: str) -> Function:
        """A function."""
        return _function(self._catalog.get("function", functionName).collect()[0])

    def functionExists(self, functionName: str, dbName: str | None = None) -> bool:
        """Whether there is a function of that name."""
        return self._catalog.exists("function", functionName if dbName is None else f"{dbName}.{functionName}")

    def createTable(
        self,
        tableName: str,
        path: str | None = None,
        source: str | None = None,
        schema: StructType | None = None,
        description: str | None = None,
        **options: str,
    ) -> DataFrame:
        """Makes a table, with files at a path if that is given, and gives it. Without a schema, files tell the columns."""
        if schema is not None and not isinstance(schema, StructType):
            raise PySparkTypeError(f"a schema is a StructType, not {schema!r}", errorClass="NOT_STRUCT")
        provider = source or self._spark.conf.get("spark.sql.sources.default")
        said = [f"CREATE TABLE {tableName}"]
        if schema is not None:
            said.append(f"({schema.toDDL()})")
        said.append(f"USING {provider}")
        if options:
            said.append("OPTIONS (" + ", ".join(f"{_text(name)} = {_text(value)}" for name, value in options.items()) + ")")
        if path is not None:
            said.append(f"LOCATION {_text(path)}")
        if description is not None:
            said.append(f"COMMENT {_text(description)}")
        self._spark.sql(" ".join(said)).collect()
        return self._spark.table(tableName)

    def createExternalTable(self, tableName: str, path: str | None = None, source: str | None = None, **options: Any) -> DataFrame:
        """The older name of `createTable`."""
        return self.createTable(tableName, path, source, **options)

    def createDatabase(self, dbName: str, ifNotExists: bool = False) -> None:
        """Makes a database."""
        self._catalog.create_database(dbName, ifNotExists)

    def dropDatabase(self, dbName: str, ifExists: bool = False, cascade: bool = False) -> None:
        """Drops a database, with what is in it if `cascade` says so."""
        self._catalog.drop_database(dbName, ifExists, cascade)

    def dropTable(self, tableName: str, ifExists: bool = False, purge: bool = False) -> None:
        """Drops a table. There is no trash that files would go to: `purge` changes nothing."""
        self._catalog.drop_table(tableName, ifExists)

    def dropView(self, viewName: str, ifExists: bool = False) -> None:
        """Drops a view."""
        self._catalog.drop_view(viewName, ifExists)

    def truncateTable(self, tableName: str) -> None:
        """Takes all rows out of a table."""
        self._catalog.truncate_table(tableName)

    def getCreateTableString(self, tableName: str, asSerde: bool = False) -> str:
        """The statement that makes a table."""
        return self._catalog.get_create_table_string(tableName)

    def getTableProperties(self, tableName: str) -> dict[str, str]:
        """What was written down of a table."""
        return self._catalog.get_table_properties(tableName)

    def dropTempView(self, viewName: str) -> bool:
        """Forgets a temporary view; whether there was one."""
        return self._catalog.drop_temp_view(viewName, False)

    def dropGlobalTempView(self, viewName: str) -> bool:
        """Forgets a view of `global_temp`; whether there was one."""
        return self._catalog.drop_temp_view(viewName, True)

    def registerFunction(self, name: str, f: Any, returnType: Any = None) -> Any:
        """The older name of `spark.udf.register`."""
        return self._spark.udf.register(name, f, returnType)

    def recoverPartitions(self, tableName: str) -> None:
        """Looks a table's partitions up anew."""
        self._catalog.recover_partitions(tableName)

    def refreshTable(self, tableName: str) -> None:
        """Nothing but to see that the table is there: files are looked up at each query."""
        self._catalog.refresh_table(tableName)

    def _say(self, statement: str) -> None:
        self._spark.sql(statement).collect()

    def cacheTable(self, tableName: str, storageLevel: StorageLevel | None = None) -> None:
        """Keeps a table's rows from the next action on that needs them."""
        level = storageLevel or StorageLevel.MEMORY_AND_DISK_DESER
        self._spark.table(tableName).persist(level)

    def uncacheTable(self, tableName: str) -> None:
        """What SQL's UNCACHE TABLE does."""
        self._say(f"UNCACHE TABLE {tableName}")

    def isCached(self, tableName: str) -> bool:
        """Whether rows of a table are kept, or will be by the next action that needs them."""
        return self._spark.table(tableName).is_cached

    def clearCache(self) -> None:
        """What SQL's CLEAR CACHE does."""
        self._say("CLEAR CACHE")

    def refreshByPath(self, path: str) -> None:
        """Nothing: files are looked up at each query."""


def _text(value: str) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
