//! What programs do with names: temporary views, tables that DataFrames are written to, and the catalog's lists.

use expect_test::expect;
use tempfile::TempDir;
use tidemill::Session;

use crate::support::{clicks, grid};

fn warehouse() -> (Session, TempDir) {
    let dir = tempfile::tempdir().expect("a directory for the warehouse");
    let path = dir.path().join("warehouse").display().to_string();
    (Session::builder().parallelism(2).config("spark.sql.warehouse.dir", path).build().expect("a session"), dir)
}

fn condition<T>(result: tidemill::Result<T>) -> Option<String> {
    result.err().and_then(|error| error.condition().map(|condition| condition.name.clone()))
}

#[tokio::test]
async fn views() {
    let (session, _dir) = warehouse();
    let df = clicks(&session);
    df.create_temp_view("v").unwrap();
    assert_eq!(condition(df.create_temp_view("V")).as_deref(), Some("TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"));
    df.limit(1).create_or_replace_temp_view("v").unwrap();
    df.create_global_temp_view("g").unwrap();
    df.create_or_replace_global_temp_view("g").unwrap();
    assert_eq!(session.read().table("v").unwrap().count().await.unwrap(), 1);
    assert_eq!(session.read().table("global_temp.g").unwrap().count().await.unwrap(), 6);
    let catalog = session.catalog();
    assert!(catalog.drop_global_temp_view("g") && catalog.drop_temp_view("v") && !catalog.drop_temp_view("v"));
    assert!(df.create_temp_view("a.b").is_err());
}

#[tokio::test]
async fn tables_and_lists() {
    let (session, _dir) = warehouse();
    let (df, catalog) = (clicks(&session), session.catalog());
    catalog.create_database("shop", false).await.unwrap();
    catalog.set_current_database("shop").await.unwrap();
    assert_eq!(catalog.current_database(), "shop");
    df.write().format("parquet").save_as_table("clicks").await.unwrap();
    assert_eq!(condition(df.write().save_as_table("clicks").await).as_deref(), Some("TABLE_OR_VIEW_ALREADY_EXISTS"));
    df.write().mode("ignore").save_as_table("clicks").await.unwrap();
    // By name, then by place.
    df.select(["country", "clicks", "userId"]).write().mode("append").save_as_table("shop.clicks").await.unwrap();
    df.limit(1).write().insert_into("clicks").await.unwrap();
    assert_eq!(session.read().table("clicks").unwrap().count().await.unwrap(), 13);
    df.limit(2).write().mode("overwrite").insert_into("clicks").await.unwrap();
    assert_eq!(session.read().table("clicks").unwrap().count().await.unwrap(), 2);
    df.write_to("byCountry").using("parquet").partitioned_by(["country"]).table_property("team", "me").create().await.unwrap();
    df.limit(1).write_to("byCountry").append().await.unwrap();
    assert_eq!(condition(df.write_to("none").replace().await).as_deref(), Some("TABLE_OR_VIEW_NOT_FOUND"));
    df.limit(3).write_to("other").using("delta").create_or_replace().await.unwrap();
    assert_eq!(session.read().table("other").unwrap().count().await.unwrap(), 3);
    catalog.create_table("made", "json", "a INT, b STRING", None).await.unwrap();
    df.create_temp_view("v").unwrap();
    expect![[r#"
        +---------+-------------+---------+-----------+---------+-----------+
        |     name|      catalog|namespace|description|tableType|isTemporary|
        +---------+-------------+---------+-----------+---------+-----------+
        |bycountry|spark_catalog|   [shop]|       NULL|  MANAGED|      false|
        |   clicks|spark_catalog|   [shop]|       NULL|  MANAGED|      false|
        |     made|spark_catalog|   [shop]|       NULL|  MANAGED|      false|
        |    other|spark_catalog|   [shop]|       NULL|  MANAGED|      false|
        |        v|         NULL|     NULL|       NULL|TEMPORARY|       true|
        +---------+-------------+---------+-----------+---------+-----------+
    "#]]
    .assert_eq(&grid(&catalog.list_tables(None, None).await.unwrap().order_by(["name"])).await);
    expect![[r#"
        +-------+-----------+--------+--------+-----------+--------+---------+
        |   name|description|dataType|nullable|isPartition|isBucket|isCluster|
        +-------+-----------+--------+--------+-----------+--------+---------+
        | userId|       NULL|  string|    true|      false|   false|    false|
        | clicks|       NULL|  bigint|    true|      false|   false|    false|
        |country|       NULL|  string|    true|       true|   false|    false|
        +-------+-----------+--------+--------+-----------+--------+---------+
    "#]]
    .assert_eq(&grid(&catalog.list_columns("byCountry").await.unwrap()).await);
    expect![[r#"
        +--------------------+
        |           partition|
        +--------------------+
        |country=__HIVE_DE...|
        |          country=de|
        |          country=fr|
        |          country=nl|
        +--------------------+
    "#]]
    .assert_eq(&grid(&catalog.list_partitions("byCountry").await.unwrap().order_by(["partition"])).await);
    expect![[r#"
        +-------+-------------+----------------+
        |   name|      catalog|     description|
        +-------+-------------+----------------+
        |default|spark_catalog|default database|
        |   shop|spark_catalog|            NULL|
        +-------+-------------+----------------+
    "#]]
    .assert_eq(&grid(&catalog.list_databases(None).await.unwrap().select(["name", "catalog", "description"])).await);
    expect![[r#"
        +----------+-----------+
        |      name|isTemporary|
        +----------+-----------+
        |array_size|       true|
        |array_sort|       true|
        +----------+-----------+
    "#]]
    .assert_eq(&grid(&catalog.list_functions(None, Some("array_s*")).await.unwrap().select(["name", "isTemporary"])).await);
    assert_eq!(catalog.get_table_properties("byCountry").await.unwrap().get("team").map(String::as_str), Some("me"));
    assert!(catalog.get_create_table_string("byCountry").await.unwrap().starts_with("CREATE TABLE spark_catalog.shop.bycountry"));
    assert!(catalog.table_exists("made").await.unwrap() && catalog.function_exists("abs").await.unwrap());
    assert!(!catalog.table_exists("default.made").await.unwrap() && !catalog.function_exists("abz").await.unwrap());
    assert!(catalog.database_exists("shop").await.unwrap() && !catalog.database_exists("shops").await.unwrap());
    assert_eq!(condition(catalog.get_table("nowhere").await).as_deref(), Some("TABLE_OR_VIEW_NOT_FOUND"));
    assert_eq!(catalog.list_views(None, None).await.unwrap().count().await.unwrap(), 1);
    catalog.recover_partitions("byCountry").await.unwrap();
    catalog.refresh_table("clicks").await.unwrap();
    catalog.truncate_table("clicks").await.unwrap();
    assert!(session.read().table("clicks").unwrap().is_empty().await.unwrap());
    catalog.drop_table("clicks", false).await.unwrap();
    assert_eq!(condition(catalog.drop_table("clicks", false).await).as_deref(), Some("TABLE_OR_VIEW_NOT_FOUND"));
    catalog.drop_table("clicks", true).await.unwrap();
    catalog.drop_database("shop", false, true).await.unwrap();
    assert_eq!(catalog.current_database(), "default");
}
