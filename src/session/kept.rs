//! What programs asked to keep (`cache`, `persist`, CACHE TABLE): which trees, and their rows once an action has wanted them. A later tree
//! that has one of these in it reads the rows in its place. Where rows lie is the executor's business.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::datasource::provider_as_source;
use serde_json::{Value, json};
use tidemill_executor::kept::{KeepIn, KeepSink, KeptRows, KeptTable};
use tidemill_spark::plan::Relation;
use tidemill_spark::resolve::{Opened, OpenedRelation, Resolved};
use tidemill_spark::types::from_field;

use super::Session;
use crate::dataframe::{DataFrame, canonical_of};
use crate::held::{Handle, Held};
use tidemill_planner::{Error, Result};

/// What a session keeps.
#[derive(Debug, Default)]
pub(crate) struct KeptPlans {
    plans: Mutex<Vec<Arc<KeptPlan>>>,
    changes: AtomicU64,
}

/// A tree whose rows are kept.
#[derive(Debug)]
struct KeptPlan {
    /// The tree in the form in which trees are compared.
    canonical: Value,
    /// The same with the trees of queries in SQL in it.
    said: Value,
    relation: Relation,
    held: Held,
    /// What the tree was found to mean when it was kept: a view of the DataFrame has the very same.
    meaning: Option<Arc<Resolved>>,
    keep_in: KeepIn,
    /// Held while they are computed: of several that want them, one computes.
    rows: tokio::sync::Mutex<Rows>,
}

#[derive(Debug, Default)]
enum Rows {
    #[default]
    NotYet,
    /// With the user's names of their columns.
    Kept(Arc<KeptRows>, Vec<String>),
    /// They are to be kept in memory alone, and do not fit.
    TooLarge,
}

impl KeptPlan {
    /// Whether a tree, in the form in which trees are compared, is this one.
    fn is(&self, canonical: &Value) -> bool {
        self.canonical == *canonical || self.said == *canonical
    }
}

/// A tree that reads kept rows, and what it holds then.
pub(crate) struct Applied {
    pub(crate) relation: Relation,
    pub(crate) held: Held,
    views: Vec<(Arc<Resolved>, OpenedRelation)>,
}

impl Applied {
    /// Puts kept rows in the place of the views that stand for them.
    pub(crate) fn open(&self, opened: &mut Opened) {
        for there in opened.relations.values_mut() {
            if let OpenedRelation::Resolved(resolved) = there
                && let Some((_, rows)) = self.views.iter().find(|(meaning, _)| Arc::ptr_eq(meaning, resolved))
            {
                *there = rows.clone();
            }
        }
    }
}

impl KeptPlans {
    fn all(&self) -> MutexGuard<'_, Vec<Arc<KeptPlan>>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, canonical: &Value) -> Option<Arc<KeptPlan>> {
        self.all().iter().find(|kept| kept.is(canonical)).cloned()
    }

    /// Keeps the rows of a DataFrame from the next action on; how they are kept already stays.
    ///
    /// # Errors
    /// `Internal` for a tree that cannot be written down.
    pub(crate) fn add(&self, frame: &DataFrame, keep_in: KeepIn) -> Result<()> {
        let canonical = key(frame.relation())?;
        let mut said = serde_json::to_value(frame.relation()).map_err(no_json)?;
        say_queries(&mut said, &frame.held, self.changes())?;
        if self.find(&canonical).is_some() {
            tracing::warn!("the rows are kept already: `unpersist` first to keep them otherwise");
            return Ok(());
        }
        let plan = KeptPlan {
            canonical,
            said: key_of(said),
            relation: frame.relation().clone(),
            held: frame.held.clone(),
            meaning: frame.meaning().ok(),
            keep_in,
            rows: tokio::sync::Mutex::default(),
        };
        self.all().push(Arc::new(plan));
        Ok(())
    }

    /// Where the rows of a DataFrame are kept, if they are to be.
    pub(crate) fn level(&self, frame: &DataFrame) -> Result<Option<KeepIn>> {
        Ok(self.find(&key(frame.relation())?).map(|kept| kept.keep_in))
    }

    /// Keeps the rows of a DataFrame no more; whether they were.
    pub(crate) fn remove(&self, frame: &DataFrame) -> Result<bool> {
        let canonical = key(frame.relation())?;
        let mut all = self.all();
        let before = all.len();
        all.retain(|kept| !kept.is(&canonical));
        Ok(all.len() < before)
    }

    /// Keeps nothing any more.
    pub(crate) fn clear(&self) {
        let all = std::mem::take(&mut *self.all());
        drop(all);
    }

    /// Tables have changed: rows that were read of any are computed anew when they are next asked for.
    pub(crate) fn tables_have_changed(&self) {
        self.compute_anew(reads_outside);
    }

    /// A name may stand for something else now.
    pub(crate) fn name_has_changed(&self, name: &str) {
        self.compute_anew(|tree| {
            let mut names = Vec::new();
            table_names(tree, &mut names);
            names.iter().any(|known| known.eq_ignore_ascii_case(name))
        });
    }

    /// How often names or tables have changed.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn compute_anew(&self, which: impl Fn(&Value) -> bool) {
        self.changes.fetch_add(1, Ordering::Relaxed);
        for kept in self.all().iter_mut().filter(|kept| which(&kept.said)) {
            let anew = KeptPlan {
                canonical: kept.canonical.clone(),
                said: kept.said.clone(),
                relation: kept.relation.clone(),
                held: kept.held.clone(),
                meaning: kept.meaning.clone(),
                keep_in: kept.keep_in,
                rows: tokio::sync::Mutex::default(),
            };
            *kept = Arc::new(anew);
        }
    }

    /// The tree with kept rows in the place of what makes them; they are computed first if `compute`, and where they are not there, the
    /// tree stays as it is. `None` when there is nothing of the kind in it.
    ///
    /// # Errors
    /// Those of computing rows.
    pub(crate) async fn applied(&self, session: &Session, frame: &DataFrame, compute: bool) -> Result<Option<Applied>> {
        let kept = self.all().clone();
        self.with(session, frame, &kept, compute).await
    }

    async fn with(&self, session: &Session, frame: &DataFrame, kept: &[Arc<KeptPlan>], compute: bool) -> Result<Option<Applied>> {
        if kept.is_empty() {
            return Ok(None);
        }
        let mut kept = kept.to_vec();
        loop {
            let mut tree = serde_json::to_value(frame.relation()).map_err(no_json)?;
            let mut found = Vec::new();
            substitute(&mut tree, &kept, &mut found);
            say_queries(&mut tree, &frame.held, self.changes())?;
            substitute(&mut tree, &kept, &mut found);
            let views = viewed(session, &tree, &kept);
            let wanted: Vec<Arc<KeptPlan>> = found.iter().map(|(plan, _)| Arc::clone(plan)).chain(views).collect();
            if wanted.is_empty() {
                return Ok(None);
            }
            let mut absent = Vec::new();
            let mut opened = Vec::new();
            for plan in wanted {
                match Box::pin(self.rows(session, &plan, compute)).await? {
                    Some((rows, names)) => opened.push((plan, table(session, rows, &names)?)),
                    None => absent.push(plan),
                }
            }
            if found.iter().any(|(plan, _)| absent.iter().any(|none| Arc::ptr_eq(none, plan))) {
                kept.retain(|plan| !absent.iter().any(|none| Arc::ptr_eq(none, plan)));
                continue;
            }
            if opened.is_empty() {
                return Ok(None);
            }
            let relation: Relation = serde_json::from_value(tree).map_err(no_json)?;
            let mut held = frame.held.clone();
            for (plan, number) in &found {
                if let Some((_, rows)) = opened.iter().find(|(known, _)| Arc::ptr_eq(known, plan)) {
                    held = held.and(&Held::numbered(*number, Handle::Relation(Arc::new(rows.clone()))));
                }
            }
            let views = opened.into_iter().filter_map(|(plan, rows)| Some((plan.meaning.clone()?, rows))).collect();
            return Ok(Some(Applied { relation, held, views }));
        }
    }

    /// The rows of a tree that is kept: those that are there, or computed now.
    async fn rows(&self, session: &Session, plan: &Arc<KeptPlan>, compute: bool) -> Result<Option<(Arc<KeptRows>, Vec<String>)>> {
        let mut rows = plan.rows.lock().await;
        match &*rows {
            Rows::Kept(kept, names) if !kept.is_damaged() => return Ok(Some((Arc::clone(kept), names.clone()))),
            Rows::TooLarge => return Ok(None),
            _ if !compute => return Ok(None),
            _ => {}
        }
        let frame = DataFrame::of_tree(session.clone(), plan.relation.clone(), plan.held.clone());
        // Others that are kept may be in it.
        let others: Vec<_> = self.all().iter().filter(|other| other.canonical != plan.canonical).cloned().collect();
        let applied = self.with(session, &frame, &others, true).await?;
        let kept = kept_now(session, &frame, applied.as_ref(), plan.keep_in).await?;
        let Some(kept) = kept else {
            tracing::warn!("the rows of a query are to be kept in memory and do not fit: it is computed each time");
            *rows = Rows::TooLarge;
            return Ok(None);
        };
        let names = frame.columns()?;
        *rows = Rows::Kept(Arc::clone(&kept), names.clone());
        Ok(Some((kept, names)))
    }
}

/// Runs a tree and keeps its rows; `None` when there is no place for them.
///
/// # Errors
/// Those of running it.
pub(crate) async fn kept_now(
    session: &Session,
    frame: &DataFrame,
    applied: Option<&Applied>,
    keep_in: KeepIn,
) -> Result<Option<Arc<KeptRows>>> {
    let (plan, shape) = frame.ready_with(applied).await?;
    let schema = numbered(&shape.nullable());
    let columns = Arc::clone(&schema);
    let sink = KeepSink::new(session.engine()?, schema, keep_in, move |batch| {
        let batch = shape.shaped(batch)?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&columns), batch.columns().to_vec(), &options)?)
    });
    let receipts = session.run_into(&plan, Arc::new(sink.clone())).await?;
    sink.kept(receipts)
}

/// The columns under names of their own: the user may give two the same.
fn numbered(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().enumerate().map(|(at, field)| field.as_ref().clone().with_name(format!("_{at}")));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Kept rows as a DataFrame of these columns.
pub(crate) fn kept_frame(session: &Session, rows: Arc<KeptRows>, names: &[String]) -> DataFrame {
    let columns = rows.schema().fields().iter().map(|field| from_field(field)).collect();
    let table = OpenedRelation::Table { name: vec!["kept".to_owned()], source: provider_as_source(Arc::new(KeptTable(rows))), columns };
    DataFrame::opened(session.clone(), table).to_df(names.iter().map(String::as_str))
}

/// Kept rows as what a tree opens in the place of `frame`'s.
fn table(session: &Session, rows: Arc<KeptRows>, names: &[String]) -> Result<OpenedRelation> {
    Ok(OpenedRelation::Resolved(kept_frame(session, rows, names).meaning()?))
}

fn no_json(error: serde_json::Error) -> Error {
    Error::internal(format!("a tree has no JSON: {error}"))
}

/// The form in which a tree is compared with others: under which id programs refer to it says nothing of its rows.
fn key(relation: &Relation) -> Result<Value> {
    Ok(key_of(serde_json::to_value(relation).map_err(no_json)?))
}

fn key_of(mut tree: Value) -> Value {
    if let Some(fields) = tree.as_object_mut() {
        fields.insert("plan_id".to_owned(), Value::Null);
    }
    canonical_of(tree)
}

/// Whether an object is a relation of a serialised tree.
fn is_relation(fields: &serde_json::Map<String, Value>) -> bool {
    fields.len() == 3 && fields.contains_key("kind") && fields.contains_key("span") && fields.contains_key("plan_id")
}

/// The variant's name of a serialised kind.
fn variant(kind: &Value) -> Option<&str> {
    kind.as_str().or_else(|| kind.as_object()?.keys().next().map(String::as_str))
}

/// Puts the trees of queries in SQL in the place of their numbers, where no name and no table has changed since they were said.
fn say_queries(tree: &mut Value, held: &Held, changes: u64) -> Result<()> {
    match tree {
        Value::Array(items) => items.iter_mut().try_for_each(|item| say_queries(item, held, changes)),
        Value::Object(fields) => {
            let number = fields.get("kind").and_then(|kind| kind.get("LocalRelation")).and_then(|local| local.get("handle"));
            let query = number.and_then(Value::as_u64).and_then(|number| held.query(number));
            match query.filter(|query| query.changes == changes && is_relation(fields)) {
                Some(query) => {
                    let mut said = serde_json::to_value(&query.relation).map_err(no_json)?;
                    if let Some(kind) = said.get_mut("kind") {
                        fields.insert("kind".to_owned(), kind.take());
                    }
                    Ok(())
                }
                None => fields.values_mut().try_for_each(|value| say_queries(value, held, changes)),
            }
        }
        _ => Ok(()),
    }
}

/// Puts a read of rows in the place of each tree that is kept, the outermost first; `found` says which, by the number of the read.
fn substitute(tree: &mut Value, kept: &[Arc<KeptPlan>], found: &mut Vec<(Arc<KeptPlan>, u64)>) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(|item| substitute(item, kept, found)),
        Value::Object(fields) if is_relation(fields) => {
            let here = fields.get("kind").and_then(variant);
            let alike = |plan: &&Arc<KeptPlan>| [&plan.canonical, &plan.said].iter().any(|key| key.get("kind").and_then(variant) == here);
            let candidates: Vec<&Arc<KeptPlan>> = kept.iter().filter(alike).collect();
            if !candidates.is_empty() {
                let canonical = key_of(Value::Object(fields.clone()));
                if let Some(plan) = candidates.into_iter().find(|plan| plan.is(&canonical)) {
                    let known = found.iter().find(|(other, _)| Arc::ptr_eq(other, plan)).map(|(_, number)| *number);
                    let number = known.unwrap_or_else(|| {
                        let number = Held::next_number();
                        found.push((Arc::clone(plan), number));
                        number
                    });
                    fields.insert("kind".to_owned(), json!({ "LocalRelation": { "handle": number } }));
                    return;
                }
            }
            fields.values_mut().for_each(|value| substitute(value, kept, found));
        }
        Value::Object(fields) => fields.values_mut().for_each(|value| substitute(value, kept, found)),
        _ => {}
    }
}

/// Whether a relation of a tree has one of these names.
fn has_variant(tree: &Value, names: &[&str]) -> bool {
    match tree {
        Value::Array(items) => items.iter().any(|item| has_variant(item, names)),
        Value::Object(fields) => fields.iter().any(|(name, value)| names.contains(&name.as_str()) || has_variant(value, names)),
        _ => false,
    }
}

/// Those of the plans that a temporary view stands for which the tree names.
fn viewed(session: &Session, tree: &Value, kept: &[Arc<KeptPlan>]) -> Vec<Arc<KeptPlan>> {
    let mut names = Vec::new();
    table_names(tree, &mut names);
    if names.is_empty() {
        return Vec::new();
    }
    let views = session.objects().temp_views(true, None);
    let is_named = |meaning: &Arc<Resolved>| {
        views.iter().any(|(key, view)| {
            let stands_for_it = matches!(&view.opened, OpenedRelation::Resolved(resolved) if Arc::ptr_eq(resolved, meaning));
            stands_for_it && names.iter().any(|name| name.eq_ignore_ascii_case(key))
        })
    };
    kept.iter().filter(|plan| plan.meaning.as_ref().is_some_and(is_named)).cloned().collect()
}

/// The last parts of the names of tables in a tree.
fn table_names<'a>(tree: &'a Value, names: &mut Vec<&'a str>) {
    match tree {
        Value::Array(items) => items.iter().for_each(|item| table_names(item, names)),
        Value::Object(fields) => fields.iter().for_each(|(variant, value)| {
            if variant == "NamedTable" {
                let parts = value.get("name").and_then(|name| name.get("Parts")).and_then(Value::as_array);
                names.extend(parts.and_then(|parts| parts.last()).and_then(Value::as_str));
            }
            table_names(value, names);
        }),
        _ => {}
    }
}

/// Whether a tree reads tables or files, whose rows others may change.
fn reads_outside(tree: &Value) -> bool {
    has_variant(tree, &["NamedTable", "DataSource"])
}
