//! A schema as Spark prints it: the tree of `print_schema`, and the one line of a DataFrame's own text.

use arrow::datatypes::{DataType, Field, Schema};
use tidemill_planner::catalog_string::catalog_string;

/// Spark's `printSchema`.
pub(crate) fn tree(schema: &Schema) -> String {
    let mut text = String::from("root\n");
    for field in schema.fields() {
        field_lines(field.name(), field, " |", &mut text);
    }
    text
}

/// `name: type, …`.
pub(crate) fn summary(schema: &Schema) -> String {
    schema.fields().iter().map(|f| format!("{}: {}", f.name(), catalog_string(f.data_type()))).collect::<Vec<_>>().join(", ")
}

fn field_lines(name: &str, field: &Field, indent: &str, text: &mut String) {
    text.push_str(&format!("{indent}-- {name}: {} (nullable = {})\n", type_name(field.data_type()), field.is_nullable()));
    nested(field.data_type(), &format!("{indent}    |"), text);
}

fn nested(data_type: &DataType, indent: &str, text: &mut String) {
    match data_type {
        DataType::Struct(fields) => {
            for field in fields {
                field_lines(field.name(), field, indent, text);
            }
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            part("element", "containsNull", item, indent, text);
        }
        DataType::Map(entries, _) => {
            if let DataType::Struct(pair) = entries.data_type()
                && let [key, value] = pair.as_ref()
            {
                text.push_str(&format!("{indent}-- key: {}\n", type_name(key.data_type())));
                nested(key.data_type(), &format!("{indent}    |"), text);
                part("value", "valueContainsNull", value, indent, text);
            }
        }
        _ => {}
    }
}

fn part(name: &str, nulls: &str, field: &Field, indent: &str, text: &mut String) {
    text.push_str(&format!("{indent}-- {name}: {} ({nulls} = {})\n", type_name(field.data_type()), field.is_nullable()));
    nested(field.data_type(), &format!("{indent}    |"), text);
}

/// Spark's `typeName`: the catalog string without what is nested, and `long` and `integer` for the whole numbers.
fn type_name(data_type: &DataType) -> String {
    match catalog_string(data_type).as_str() {
        "bigint" => "long".to_owned(),
        "int" => "integer".to_owned(),
        "smallint" => "short".to_owned(),
        "tinyint" => "byte".to_owned(),
        other => other.split('<').next().unwrap_or(other).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::tree;

    #[test]
    fn spark_tree() {
        let schema = crate::ddl::parse_schema(
            "id BIGINT NOT NULL, tags ARRAY<STRUCT<k:INT>>, price DECIMAL(10,2), m MAP<STRING,INT>, w STRUCT<start: TIMESTAMP NOT NULL>",
        );
        expect_test::expect![[r#"
            root
             |-- id: long (nullable = false)
             |-- tags: array (nullable = true)
             |    |-- element: struct (containsNull = true)
             |    |    |-- k: integer (nullable = true)
             |-- price: decimal(10,2) (nullable = true)
             |-- m: map (nullable = true)
             |    |-- key: string
             |    |-- value: integer (valueContainsNull = true)
             |-- w: struct (nullable = true)
             |    |-- start: timestamp (nullable = false)
        "#]]
        .assert_eq(&tree(&schema.unwrap()));
    }
}
