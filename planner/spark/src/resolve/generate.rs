//! Generators: rows for each row, in a SELECT list, in LATERAL VIEW and as a table.

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListArray, MapArray, StructArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::scalar::ScalarValue;
use std::sync::Arc;

use super::nodes::project;
use super::scope::Attribute;
use super::{Rel, Resolver};
use crate::Result;
use crate::error::{at, error};
use crate::functions::{self, Generator, KernelArgs, SparkScalar};
use crate::plan::{Expression, ExpressionKind, Relation, Span, TableAlias};
use crate::types::{SparkType, StructField, to_arrow};

impl Resolver<'_> {
    pub(crate) fn lateral_view(
        &mut self,
        input: &Relation,
        generator: &Expression,
        outer: bool,
        table_alias: Option<&str>,
        columns: &[String],
        span: Option<Span>,
    ) -> Result<Rel> {
        let rel = self.relation(input)?;
        let Some(mut made) = self.generator(generator, &rel.scope)? else {
            if let ExpressionKind::UnresolvedFunction(call) = &generator.kind
                && crate::functions::builtin_name(&call.name).as_deref().and_then(functions::lookup).is_none()
            {
                return Err(at(self.unknown_function(&call.name), generator.span));
            }
            return Err(at(
                error("UNSUPPORTED_GENERATOR.NOT_GENERATOR", "LATERAL VIEW takes a function that gives rows, such as `explode`"),
                generator.span,
            ));
        };
        made.outer |= outer;
        let (mut rel, added) = self.generate(rel, made, columns, table_alias).map_err(|e| at(e, span))?;
        rel.scope.columns.extend(added);
        Ok(rel)
    }

    /// The rows of `rel`, each once per item of the generator; the new columns are given beside, not yet in the scope.
    pub(crate) fn generate(
        &mut self,
        rel: Rel,
        generator: Generator,
        names: &[String],
        table_alias: Option<&str>,
    ) -> Result<(Rel, Vec<Attribute>)> {
        let Generator { collection, outer, position, inline, columns } = generator;
        if !names.is_empty() && names.len() != columns.len() {
            let message = format!("the generator gives {} columns, and {} names are given", columns.len(), names.len());
            return Err(error("UDTF_ALIAS_NUMBER_MISMATCH", message).with_parameter("aliasesSize", columns.len()));
        }
        let fields: Vec<StructField> =
            columns.iter().enumerate().map(|(i, (_, data_type, _))| StructField::new(format!("f{i}"), data_type.clone())).collect();
        let out = SparkType::Array(Box::new(SparkType::Struct(fields)), true);
        let flags = [outer, position, inline].map(|flag| ScalarValue::Boolean(Some(flag))).to_vec();
        let kernel = SparkScalar::new("generated_rows", rows_of, vec![collection.data_type.clone()], out, Arc::clone(&self.settings))
            .with_constants(flags);
        let id = self.fresh("generated");
        let mut exprs: Vec<Expr> = rel.plan.schema().columns().into_iter().map(Expr::Column).collect();
        exprs.push(kernel.call(vec![collection.expr]).alias(&id));
        let plan = super::nodes::project_windows(rel.plan, exprs)?;
        let options = datafusion::common::UnnestOptions {
            null_handling: datafusion::common::NullHandling::Drop,
            ..datafusion::common::UnnestOptions::default()
        };
        let plan = LogicalPlanBuilder::from(plan).unnest_columns_with_options(vec![Column::new_unqualified(&id)], options)?.build()?;
        let item = Expr::Column(Column::new_unqualified(&id));
        let mut exprs: Vec<Expr> = plan.schema().columns().into_iter().filter(|c| c.name != id).map(Expr::Column).collect();
        let mut added = Vec::with_capacity(columns.len());
        for (i, (name, data_type, nullable)) in columns.into_iter().enumerate() {
            let name = names.get(i).cloned().unwrap_or(name);
            let mut attribute = self.attribute(&name, data_type, nullable || outer);
            if let Some(alias) = table_alias {
                attribute.qualifier = vec![alias.to_owned()];
            }
            let field = datafusion::functions::core::get_field().call(vec![item.clone(), datafusion::logical_expr::lit(format!("f{i}"))]);
            exprs.push(field.alias(&attribute.id));
            added.push(attribute);
        }
        let plan = project(plan, exprs)?;
        Ok((Rel::new(plan, rel.scope), added))
    }

    /// `FROM f(arguments)`
    pub(crate) fn table_function(&mut self, name: &[String], arguments: &[Expression], span: Option<Span>) -> Result<Rel> {
        let lower = crate::functions::builtin_name(name);
        if lower.as_deref() == Some("range") {
            return self.range(arguments, span);
        }
        let call = ExpressionKind::UnresolvedFunction(Box::new(crate::plan::FunctionCall {
            name: name.to_vec(),
            ..crate::plan::FunctionCall::new("", arguments.to_vec())
        }));
        let expression = Expression { kind: call, span };
        let one = self.one_row()?;
        let scope = one.scope.clone();
        if let Some(generator) = self.generator(&expression, &scope)? {
            let (mut rel, added) = self.generate(one, generator, &[], None)?;
            rel.scope.columns = added;
            return Ok(rel);
        }
        if let Some(function) = self.sql_function(name) {
            return self.sql_table_function(&function, name, arguments, span);
        }
        if lower.as_deref().and_then(functions::lookup).is_some() || self.sql_function(name).is_some() {
            let message = format!("`{}` gives a value and not a table: write it in the SELECT list", name.join("."));
            return Err(at(error("NOT_A_TABLE_FUNCTION", message), span));
        }
        let shown = name.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(".");
        Err(at(error("UNRESOLVABLE_TABLE_VALUED_FUNCTION", format!("there is no table function {shown}")), span))
    }

    fn sql_table_function(
        &mut self,
        function: &crate::plan::SqlFunction,
        name: &[String],
        arguments: &[Expression],
        span: Option<Span>,
    ) -> Result<Rel> {
        use crate::plan::{FunctionBody, FunctionReturns};
        let shown = name.join(".");
        let FunctionReturns::Table(columns) = &function.returns else {
            return Err(at(
                error("NOT_A_TABLE_FUNCTION", format!("`{shown}` gives a value and not a table: write it in the SELECT list")),
                span,
            ));
        };
        let FunctionBody::Query(query) = &function.body else {
            return Err(at(error("INVALID_SQL_FUNCTION_PLAN_STRUCTURE", format!("the body of `{shown}` is no query")), span));
        };
        let call = crate::plan::FunctionCall { name: name.to_vec(), ..crate::plan::FunctionCall::new("", arguments.to_vec()) };
        let scope = super::Scope::default();
        let frame = self.sql_arguments(function, &call, &scope, span)?;
        let lower = shown.to_lowercase();
        if self.inside.contains(&lower) {
            return Err(error("RECURSIVE_VIEW", format!("`{shown}` calls itself")));
        }
        self.inside.push(lower);
        let rel = self.in_body(&call, frame, &scope, |resolver| resolver.relation(query));
        self.inside.pop();
        let mut rel = rel?;
        rel.under = None;
        if columns.is_empty() {
            return Ok(rel);
        }
        if columns.len() != rel.scope.columns.len() {
            let message = format!("`{shown}` declares {} columns, and its query gives {}", columns.len(), rel.scope.columns.len());
            return Err(at(error("NUM_COLUMNS_MISMATCH", message), span));
        }
        let mut attributes = Vec::new();
        let mut exprs = Vec::new();
        for (a, (name, data_type)) in rel.scope.columns.iter().zip(columns) {
            let typed = crate::types::cast::cast(a.typed(name), data_type, crate::plan::CastMode::Session, &self.settings, span)?;
            let attribute = self.attribute(name, data_type.clone(), typed.nullable);
            exprs.push(typed.expr.alias(&attribute.id));
            attributes.push(attribute);
        }
        Ok(Rel::new(project(rel.plan, exprs)?, super::Scope::new(attributes)))
    }

    fn range(&mut self, arguments: &[Expression], span: Option<Span>) -> Result<Rel> {
        let arguments = self.in_order("range", &["start", "end", "step", "numPartitions"], arguments)?;
        let refuse = |condition: &'static str, message: String| at(error(condition, message), span);
        if arguments.is_empty() || arguments.len() > 4 {
            let message = format!("`range` takes from 1 to 4 arguments, and the call has {}", arguments.len());
            return Err(refuse("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", message));
        }
        let mut numbers = Vec::new();
        for argument in &arguments {
            let typed = self.expression(argument, &super::Scope::default())?;
            if !typed.data_type.is_numeric() && !typed.data_type.is_string() && typed.data_type != SparkType::Null {
                let message = format!("`range` takes bigints, and \"{}\" is \"{}\"", typed.sql, typed.data_type.sql());
                return Err(refuse("UNEXPECTED_INPUT_TYPE", message));
            }
            let typed = crate::types::cast::cast(typed, &SparkType::Long, crate::plan::CastMode::Session, &self.settings, span)?;
            match functions::constant(&typed)? {
                Some(ScalarValue::Int64(Some(number))) => numbers.push(number),
                Some(_) => return Err(refuse("UNEXPECTED_INPUT_TYPE", "`range` was given null: give it a number".to_owned())),
                None => return Err(refuse("UNEXPECTED_INPUT_TYPE", "`range` takes constants".to_owned())),
            }
        }
        let (start, end, step) = match numbers.as_slice() {
            [end] => (0, *end, 1),
            [start, end] => (*start, *end, 1),
            [start, end, step, ..] => (*start, *end, *step),
            [] => (0, 0, 1),
        };
        if step == 0 {
            return Err(refuse("FAILED_FUNCTION_CALL", "the step of `range` is 0".to_owned()));
        }
        let source = super::range::source(start, end, step);
        let id = self.fresh("range");
        let plan = LogicalPlanBuilder::scan(id, source, None)?.build()?;
        self.columns_of(plan, &[StructField::new("id", SparkType::Long).with_nullable(false)])
    }

    /// Columns of a plan, in its order, under ids of their own.
    pub(crate) fn columns_of(&mut self, plan: datafusion::logical_expr::LogicalPlan, columns: &[StructField]) -> Result<Rel> {
        let mut exprs = Vec::with_capacity(columns.len());
        let mut attributes = Vec::with_capacity(columns.len());
        let mut have_ids = columns.len() == plan.schema().fields().len();
        for (column, (qualifier, field)) in columns.iter().zip(plan.schema().iter()) {
            let mut attribute = self.attribute(&column.name, column.data_type.clone(), column.nullable);
            attribute.metadata.clone_from(&column.metadata);
            let engine = Expr::Column(Column::new(qualifier.cloned(), field.name()));
            let wanted = to_arrow(&column.data_type);
            have_ids &= qualifier.is_none() && *field.name() == attribute.id && *field.data_type() == wanted;
            let expr = if *field.data_type() == wanted {
                engine
            } else {
                Expr::Cast(datafusion::logical_expr::Cast::new(Box::new(engine), wanted))
            };
            exprs.push(expr.alias(&attribute.id));
            attributes.push(attribute);
        }
        let plan = if have_ids { plan } else { project(plan, exprs)? };
        Ok(Rel::new(plan, super::Scope::new(attributes)))
    }

    pub(crate) fn one_row(&mut self) -> Result<Rel> {
        Ok(Rel::new(LogicalPlanBuilder::empty(true).build()?, super::Scope::default()))
    }

    /// `(…) AS name (columns)`
    pub(crate) fn aliased(&mut self, mut rel: Rel, alias: &TableAlias) -> Result<Rel> {
        if !alias.columns.is_empty() {
            if alias.columns.len() != rel.scope.columns.len() {
                let message = format!("`{}` names {} columns, and there are {}", alias.name, alias.columns.len(), rel.scope.columns.len());
                return Err(error("ASSIGNMENT_ARITY_MISMATCH", message));
            }
            for (attribute, name) in rel.scope.columns.iter_mut().zip(&alias.columns) {
                attribute.name.clone_from(name);
            }
        }
        for attribute in &mut rel.scope.columns {
            attribute.qualifier = vec![alias.name.clone()];
        }
        rel.scope.hidden.clear();
        rel.under = None;
        Ok(rel)
    }
}

/// The rows that a collection becomes: a list of structs. Constants: outer, position, inline.
fn rows_of(args: &KernelArgs<'_>) -> Result<ArrayRef> {
    let flag = |at: usize| matches!(args.constants.get(at), Some(ScalarValue::Boolean(Some(true))));
    let (outer, position, inline) = (flag(0), flag(1), flag(2));
    let array = &args.arrays[0];
    let (offsets, nulls, items): (Vec<usize>, Option<NullBuffer>, Vec<ArrayRef>) = match array.data_type() {
        DataType::List(_) => {
            let list: &ListArray = array.as_list();
            let offsets = list.offsets().iter().map(|o| usize::try_from(*o).unwrap_or(0)).collect();
            (offsets, list.nulls().cloned(), vec![Arc::clone(list.values())])
        }
        DataType::Map(..) => {
            let map: &MapArray = array.as_map();
            let offsets = map.offsets().iter().map(|o| usize::try_from(*o).unwrap_or(0)).collect();
            (offsets, map.nulls().cloned(), vec![Arc::clone(map.keys()), Arc::clone(map.values())])
        }
        _ => (vec![0; args.rows + 1], Some(NullBuffer::new_null(args.rows)), Vec::new()),
    };
    // Which item each new row is; none for the row that OUTER keeps.
    let mut picked: Vec<Option<u32>> = Vec::new();
    let mut places: Vec<Option<i32>> = Vec::new();
    let mut lengths = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        let (start, end) = (offsets[row], offsets[row + 1]);
        let null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        if null || start == end {
            if outer {
                picked.push(None);
                places.push(None);
            }
            lengths.push(usize::from(outer));
            continue;
        }
        for (place, item) in (start..end).enumerate() {
            picked.push(u32::try_from(item).ok());
            places.push(i32::try_from(place).ok());
        }
        lengths.push(end - start);
    }
    let indices = UInt32Array::from(picked);
    let mut columns: Vec<ArrayRef> = Vec::new();
    if position {
        columns.push(Arc::new(Int32Array::from(places)));
    }
    for item in &items {
        let taken = take(item, &indices, None)?;
        match (inline, taken.as_any().downcast_ref::<StructArray>()) {
            (true, Some(fields)) => {
                // A null struct is a row of nulls.
                for column in fields.columns() {
                    let nulls = NullBuffer::union(column.nulls(), fields.nulls());
                    let data = column.to_data().into_builder().nulls(nulls).build()?;
                    columns.push(arrow::array::make_array(data));
                }
            }
            _ => columns.push(taken),
        }
    }
    let DataType::List(item) = to_arrow(args.out) else { return Err(error("INTERNAL_ERROR", "generated rows are a list")) };
    let DataType::Struct(fields) = item.data_type() else { return Err(error("INTERNAL_ERROR", "generated rows are structs")) };
    while columns.len() < fields.len() {
        columns.push(arrow::array::new_null_array(fields[columns.len()].data_type(), indices.len()));
    }
    let columns = columns
        .into_iter()
        .zip(fields)
        .map(
            |(column, field)| {
                if column.data_type() == field.data_type() { Ok(column) } else { Ok(arrow::compute::cast(&column, field.data_type())?) }
            },
        )
        .collect::<Result<Vec<_>>>()?;
    let rows = StructArray::try_new_with_length(fields.clone(), columns, None, indices.len())?;
    Ok(Arc::new(ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), Arc::new(rows), None)?))
}
