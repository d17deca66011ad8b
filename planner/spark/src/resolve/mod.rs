//! What a tree means: names become columns of tables that were opened before, operators and functions are chosen, types settled.
//! The result is DataFusion's logical plan, every column of which has an id for a name, and the user's names beside it.
//!
//! ```text
//! requests(tree, opened) ─► the session opens what is missing ─► resolve(tree, opened, settings) ─► Resolved { plan, output }
//! ```

mod aggregate;
mod call;
mod char_padding;
mod columns;
mod cte;
mod decorrelate;
mod exchange;
mod expression;
mod generate;
mod grouped;
mod grouping_sets;
mod holds;
mod join;
mod joined;
mod literal;
mod missing;
mod nodes;
mod opened;
mod outer;
mod pivot;
mod range;
mod recursion;
mod refused;
mod relation;
mod request;
mod resolved;
mod sample;
mod scope;
mod select;
mod set_operation;
mod shared;
mod single_value;
mod sort;
mod star;
mod statistics;
mod stream;
mod subquery;
mod subquery_join;
mod under;
mod unpivot;
mod update_fields;
mod user_function;
mod values;
mod window;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;

pub use opened::{Opened, OpenedFunction, OpenedRelation, Request, Travel};
pub use request::{requests, requests_of};
pub use resolved::{OutputColumn, Resolved};

use crate::error::too_complex;
use crate::plan::{Expression, Relation, deep};
use crate::types::{SparkType, StructField};
use crate::{Result, Settings, Typed};
use scope::{Attribute, Scope};

/// What `relation` means.
///
/// # Errors
/// Spark's conditions, with the place in the text.
pub fn resolve(relation: &Relation, opened: &Opened, settings: &Arc<Settings>) -> Result<Resolved> {
    on_stack_for(opened, settings, |resolver| resolver.relation(relation)?.finish())
}

/// What an expression means over given columns (a MERGE condition, a CHECK, a default); the columns' ids are their names in the
/// engine.
///
/// # Errors
/// Spark's conditions, with the place in the text.
pub fn resolve_expression(expression: &Expression, columns: &[OutputColumn], opened: &Opened, settings: &Arc<Settings>) -> Result<Typed> {
    let attributes = columns.iter().map(|column| {
        let mut attribute = Attribute::new(column.id.clone(), &column.field.name, column.field.data_type.clone(), column.field.nullable);
        attribute.qualifier.clone_from(&column.qualifier);
        attribute
    });
    let scope = Scope::new(attributes.collect());
    on_stack_for(opened, settings, |resolver| resolver.expression(expression, &scope))
}

/// Resolves on the caller's stack, and where that is too small for the tree, once more on a larger one: the engine's expressions take
/// stack for each of their levels.
fn on_stack_for<T>(opened: &Opened, settings: &Arc<Settings>, resolve: impl Fn(&mut Resolver<'_>) -> Result<T>) -> Result<T> {
    let mut resolver = Resolver::new(opened, settings);
    let result = resolve(&mut resolver);
    if !resolver.height.is_exceeded {
        return result;
    }
    deep::on_far_stack(|| {
        let mut resolver = Resolver::new(opened, settings);
        resolver.height.most = deep::MAX_HEIGHT;
        resolve(&mut resolver)
    })
}

/// How many levels of the tree are being resolved, one inside the other.
#[derive(Debug, Clone, Copy)]
struct Height {
    levels: usize,
    /// How many may be.
    most: usize,
    /// Whether there were more.
    is_exceeded: bool,
}

impl Default for Height {
    fn default() -> Self {
        const NEAR: usize = 60;
        Self { levels: 0, most: NEAR, is_exceeded: false }
    }
}

/// Resolves one statement.
pub(crate) struct Resolver<'a> {
    opened: &'a Opened,
    settings: Arc<Settings>,
    height: Height,
    /// How often each id has been asked for.
    uses: HashMap<String, usize>,
    /// The named queries that are in sight, innermost last.
    ctes: Vec<cte::Frame>,
    /// The columns of the queries around the one being resolved, innermost last.
    outer: Vec<Scope>,
    /// The subqueries of the grouped list being resolved: one that is there twice is one.
    asked: Option<Vec<(serde_json::Value, Typed)>>,
    /// The places that name columns of `outer`.
    outer_uses: Vec<outer::OuterUse>,
    /// The parameters of the lambdas around the expression being resolved, innermost last.
    lambdas: Vec<HashMap<String, Attribute>>,
    /// The parameters of the function whose body is being resolved.
    parameters: Option<call::Parameters>,
    /// Earlier columns of the same list, by lower-case name: lateral column aliases.
    aliases: Vec<(String, Typed)>,
    /// The windows that a WINDOW clause names.
    windows: Vec<HashMap<String, crate::plan::WindowSpec>>,
    /// Views and functions that are being resolved, so that a circle is found.
    inside: Vec<String>,
    /// Names that mean columns of the list below before they mean anything else.
    definitions: Option<under::Definitions>,
    /// How `grouping()` is understood where it may stand.
    grouping: Option<grouped::GroupingContext>,
    /// The window of time of the aggregation being resolved.
    window: Option<stream::TimeWindow>,
    /// What the program calls each aggregate, if operators are named after it.
    aggregate_texts: Vec<(datafusion::logical_expr::Expr, String)>,
    /// The user's name and type of columns under stateful operators, by id.
    known: HashMap<String, (String, SparkType)>,
}

/// A relation that has been resolved.
#[derive(Debug, Clone)]
pub(crate) struct Rel {
    pub(crate) plan: LogicalPlan,
    pub(crate) scope: Scope,
    /// What a SELECT list was made from: HAVING, ORDER BY and QUALIFY may name columns of it.
    pub(crate) under: Option<Box<under::Under>>,
}

impl Rel {
    pub(crate) fn new(plan: LogicalPlan, scope: Scope) -> Self {
        Self { plan, scope, under: None }
    }

    /// The plan of just the columns that the user sees, each once by id.
    fn finish(self) -> Result<Resolved> {
        let output: Vec<OutputColumn> = self
            .scope
            .columns
            .iter()
            .map(|a| OutputColumn {
                id: a.id.clone(),
                field: StructField {
                    name: a.name.clone(),
                    data_type: a.data_type.clone(),
                    nullable: a.nullable,
                    metadata: a.metadata.clone(),
                },
                qualifier: a.qualifier.clone(),
            })
            .collect();
        let ids: Vec<&str> = self.plan.schema().fields().iter().map(|f| f.name().as_str()).collect();
        let plan = if ids == output.iter().map(|c| c.id.as_str()).collect::<Vec<_>>() {
            self.plan
        } else {
            nodes::project(self.plan, self.scope.columns.iter().map(Attribute::expr).collect())?
        };
        Ok(Resolved { plan, output })
    }
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(opened: &'a Opened, settings: &Arc<Settings>) -> Self {
        Self {
            opened,
            settings: Arc::clone(settings),
            height: Height::default(),
            uses: HashMap::new(),
            ctes: Vec::new(),
            outer: Vec::new(),
            asked: None,
            outer_uses: Vec::new(),
            lambdas: Vec::new(),
            parameters: None,
            aliases: Vec::new(),
            windows: Vec::new(),
            inside: Vec::new(),
            definitions: None,
            grouping: None,
            window: None,
            aggregate_texts: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// Goes one level deeper into the tree.
    ///
    /// # Errors
    /// `FAILED_TO_PARSE_TOO_COMPLEX` where that is too deep.
    fn one_level<T>(&mut self, resolve: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.height.levels >= self.height.most {
            self.height.is_exceeded = true;
            return Err(too_complex());
        }
        self.height.levels += 1;
        let made = deep::deeper(|| resolve(self));
        self.height.levels -= 1;
        made
    }

    /// An id that no other column of the statement has: the name itself for the first of that name, so that plans can be read and
    /// a stream's plan does not depend on what else is in the statement.
    pub(crate) fn fresh(&mut self, name: &str) -> String {
        let plain: String = name.chars().take(32).map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
        let uses = self.uses.entry(plain.clone()).or_insert(0);
        *uses += 1;
        if *uses == 1 && !plain.is_empty() { plain } else { format!("{plain}#{uses}") }
    }

    /// A new column of that name and type.
    pub(crate) fn attribute(&mut self, name: &str, data_type: SparkType, nullable: bool) -> Attribute {
        let id = self.fresh(name);
        Attribute::new(id, name, data_type, nullable)
    }
}
