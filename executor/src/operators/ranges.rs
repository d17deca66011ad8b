//! The kernels of an exchange by range: one takes a sample of each partition, the other finds the bounds of the ranges in all samples and
//! numbers the rows by them.
//!
//! Source: Spark, `Partitioner.scala` (`RangePartitioner`: a reservoir for each partition, bounds by weight, a bound is the last key of its
//! range); as many rows a range as `spark.sql.execution.rangeExchange.sampleSizePerPartition` has it.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Float64Array, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties, Partitioning, PhysicalExpr, PlanProperties,
    apply_expression_roots,
};
use futures::{StreamExt, TryStreamExt, stream};
use tidemill_planner::key::stable_hash;
use tidemill_planner::stage::RangeSteps;
use tidemill_planner::{Error, Result};

/// How many rows are sampled for each range.
const SAMPLED_A_RANGE: usize = 100;

/// How many rows are sampled at most.
const MOST_SAMPLED: usize = 1_000_000;

/// Partitions differ in size: each gives so many times its share.
const TIMES_ITS_SHARE: usize = 3;

/// An exchange's key and how many ranges it has.
#[derive(Debug, Clone)]
pub(super) struct Ranges {
    pub(super) key: LexOrdering,
    pub(super) partitions: usize,
}

impl RangeSteps for Ranges {
    fn describe(&self) -> String {
        self.key.to_string()
    }

    fn sampled(&self, rows: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(RangeSampleExec::new(self.clone(), rows))
    }

    fn numbered(&self, rows: Arc<dyn ExecutionPlan>, samples: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(RangeNumberExec::new(self.clone(), rows, samples))
    }
}

impl Ranges {
    /// What makes bytes of keys, whose order is that of the keys.
    fn encoder(&self, schema: &Schema) -> DfResult<KeyBytes> {
        let fields = self.key.iter().map(|key| Ok(SortField::new_with_options(key.expr.data_type(schema)?, key.options)));
        let converter = RowConverter::new(fields.collect::<DfResult<Vec<_>>>()?)?;
        Ok(KeyBytes { exprs: self.key.iter().map(|key| Arc::clone(&key.expr)).collect(), converter })
    }

    /// How many rows each of so many partitions gives.
    fn sample_size(&self, inputs: usize) -> usize {
        let all = self.partitions.saturating_mul(SAMPLED_A_RANGE).min(MOST_SAMPLED);
        (all * TIMES_ITS_SHARE).div_ceil(inputs.max(1))
    }
}

#[derive(Debug)]
struct KeyBytes {
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    converter: RowConverter,
}

impl KeyBytes {
    fn of(&self, batch: &RecordBatch) -> DfResult<Rows> {
        let keys = self.exprs.iter().map(|expr| expr.evaluate(batch)?.into_array(batch.num_rows()));
        Ok(self.converter.convert_columns(&keys.collect::<DfResult<Vec<ArrayRef>>>()?)?)
    }
}

/// Rows of a partition that stand for all of it: each row is among them with the same chance. The same rows in the same order give the
/// same sample.
#[derive(Debug)]
struct Reservoir {
    partition: usize,
    size: usize,
    seen: u64,
    keys: Vec<Box<[u8]>>,
}

impl Reservoir {
    fn new(partition: usize, size: usize) -> Self {
        Self { partition, size, seen: 0, keys: Vec::new() }
    }

    fn offer(&mut self, key: &[u8]) {
        if self.keys.len() < self.size {
            self.keys.push(key.into());
        } else {
            let mut drawn = [0; 16];
            drawn[..8].copy_from_slice(&self.seen.to_le_bytes());
            drawn[8..].copy_from_slice(&(self.partition as u64).to_le_bytes());
            // The upper half of the product is spread over the rows seen as evenly as the hash is over all numbers.
            let place = (u128::from(stable_hash(&drawn)) * u128::from(self.seen + 1)) >> 64;
            if let Some(kept) = usize::try_from(place).ok().and_then(|place| self.keys.get_mut(place)) {
                *kept = key.into();
            }
        }
        self.seen += 1;
    }

    /// The sample, each row with how many rows it stands for.
    fn finish(self) -> DfResult<RecordBatch> {
        let weight = self.seen as f64 / self.keys.len().max(1) as f64;
        let weights = Float64Array::from_iter_values(std::iter::repeat_n(weight, self.keys.len()));
        let keys = BinaryArray::from_iter_values(self.keys.iter());
        Ok(RecordBatch::try_new(sample_schema(), vec![Arc::new(keys), Arc::new(weights)])?)
    }
}

fn sample_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("key", DataType::Binary, false), Field::new("weight", DataType::Float64, false)]))
}

/// The last key of each range but the last one, so that all ranges have about as many rows; fewer where there are too few keys.
fn bounds(mut samples: Vec<(Box<[u8]>, f64)>, partitions: usize) -> Vec<Box<[u8]>> {
    samples.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let step = samples.iter().map(|(_, weight)| weight).sum::<f64>() / partitions.max(1) as f64;
    let (mut bounds, mut so_far, mut target) = (Vec::<Box<[u8]>>::new(), 0.0, step);
    for (key, weight) in samples {
        so_far += weight;
        if so_far >= target && bounds.len() + 1 < partitions && bounds.last().is_none_or(|last| *last < key) {
            bounds.push(key);
            target += step;
        }
    }
    bounds
}

/// A sample of each partition of its input.
#[derive(Debug)]
struct RangeSampleExec {
    ranges: Ranges,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl RangeSampleExec {
    fn new(ranges: Ranges, input: Arc<dyn ExecutionPlan>) -> Self {
        let partitioning = Partitioning::UnknownPartitioning(input.output_partitioning().partition_count());
        let equivalences = EquivalenceProperties::new(sample_schema());
        let properties = PlanProperties::new(equivalences, partitioning, input.pipeline_behavior(), input.boundedness());
        Self { ranges, input, properties: Arc::new(properties) }
    }
}

impl DisplayAs for RangeSampleExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RangeSampleExec: {}", self.ranges.key)
    }
}

impl ExecutionPlan for RangeSampleExec {
    fn name(&self) -> &str {
        "RangeSampleExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(&self, f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        apply_expression_roots(self.ranges.key.iter().map(|key| &key.expr), f)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(self.ranges.clone(), input))),
            _ => datafusion::common::internal_err!("a sample of ranges has one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let size = self.ranges.sample_size(self.input.output_partitioning().partition_count());
        let encoder = self.ranges.encoder(&self.input.schema())?;
        let mut rows = self.input.execute(partition, context)?;
        let sample = async move {
            let mut reservoir = Reservoir::new(partition, size);
            while let Some(batch) = rows.next().await {
                encoder.of(&batch?)?.iter().for_each(|key| reservoir.offer(key.data()));
            }
            reservoir.finish()
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream::once(sample))))
    }
}

/// Its first input's rows with the number of their range; the second input is all samples.
#[derive(Debug)]
struct RangeNumberExec {
    ranges: Ranges,
    rows: Arc<dyn ExecutionPlan>,
    samples: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl RangeNumberExec {
    fn new(ranges: Ranges, rows: Arc<dyn ExecutionPlan>, samples: Arc<dyn ExecutionPlan>) -> Self {
        let before = rows.schema();
        let number = Arc::new(Field::new("range", DataType::UInt32, false));
        let fields: Vec<_> = before.fields().iter().cloned().chain([number]).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, before.metadata().clone()));
        let partitioning = Partitioning::UnknownPartitioning(rows.output_partitioning().partition_count());
        let properties =
            PlanProperties::new(EquivalenceProperties::new(schema), partitioning, rows.pipeline_behavior(), rows.boundedness());
        Self { ranges, rows, samples, properties: Arc::new(properties) }
    }
}

impl DisplayAs for RangeNumberExec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RangeNumberExec: {} into {}", self.ranges.key, self.ranges.partitions)
    }
}

impl ExecutionPlan for RangeNumberExec {
    fn name(&self) -> &str {
        "RangeNumberExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::UnspecifiedDistribution, Distribution::SinglePartition]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false, false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.rows, &self.samples]
    }

    fn apply_expressions(&self, f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>) -> DfResult<TreeNodeRecursion> {
        apply_expression_roots(self.ranges.key.iter().map(|key| &key.expr), f)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.pop(), children.is_empty()) {
            (Some(samples), Some(rows), true) => Ok(Arc::new(Self::new(self.ranges.clone(), rows, samples))),
            _ => datafusion::common::internal_err!("rows are numbered by their ranges from rows and samples"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let encoder = self.ranges.encoder(&self.rows.schema())?;
        let partitions = self.ranges.partitions;
        let mut samples = self.samples.execute(0, Arc::clone(&context))?;
        let rows = self.rows.execute(partition, context)?;
        let schema = self.schema();
        let numbered = async move {
            let mut sampled = Vec::new();
            while let Some(batch) = samples.next().await {
                read_sample(&batch?, &mut sampled)?;
            }
            let bounds = bounds(sampled, partitions);
            Ok::<_, DataFusionError>(rows.map(move |batch| numbered(&batch?, &encoder, &bounds, &schema)))
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream::once(numbered).try_flatten())))
    }
}

fn read_sample(batch: &RecordBatch, sampled: &mut Vec<(Box<[u8]>, f64)>) -> Result<()> {
    let [keys, weights] = batch.columns() else { return Err(Error::internal("a sample of ranges has two columns")) };
    let (Some(keys), Some(weights)) = (keys.as_binary_opt::<i32>(), weights.as_primitive_opt::<Float64Type>()) else {
        return Err(Error::internal(format!("a sample of ranges has keys of {} and weights of {}", keys.data_type(), weights.data_type())));
    };
    sampled.extend(keys.iter().flatten().map(Box::from).zip(weights.values().iter().copied()));
    Ok(())
}

fn numbered(batch: &RecordBatch, encoder: &KeyBytes, bounds: &[Box<[u8]>], schema: &SchemaRef) -> DfResult<RecordBatch> {
    let keys = encoder.of(batch)?;
    let numbers = keys.iter().map(|key| bounds.partition_point(|bound| bound[..] < *key.data()) as u32);
    let numbers: ArrayRef = Arc::new(UInt32Array::from_iter_values(numbers));
    let columns = batch.columns().iter().cloned().chain([numbers]).collect();
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

#[cfg(test)]
mod tests {
    use super::{Reservoir, bounds};

    fn samples(keys: &[(u8, f64)]) -> Vec<(Box<[u8]>, f64)> {
        keys.iter().map(|(key, weight)| (Box::from([*key]), *weight)).collect()
    }

    #[test]
    fn ranges_have_about_as_many_rows_and_no_key_is_in_two() {
        for (name, keys, partitions, expected) in [
            ("even", vec![(4, 1.0), (1, 1.0), (3, 1.0), (2, 1.0)], 2, vec![2]),
            ("by weight", vec![(1, 6.0), (2, 1.0), (3, 1.0), (4, 1.0)], 3, vec![1, 2]),
            ("one key", vec![(7, 1.0), (7, 1.0), (7, 1.0)], 3, vec![7]),
            ("fewer keys than ranges", vec![(1, 1.0), (2, 1.0)], 5, vec![1, 2]),
            ("no rows", vec![], 4, vec![]),
            ("one range", vec![(1, 1.0), (2, 1.0)], 1, vec![]),
        ] {
            let found: Vec<u8> = bounds(samples(&keys), partitions).iter().map(|bound| bound[0]).collect();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn a_reservoir_holds_rows_of_the_whole_partition() {
        let mut reservoir = Reservoir::new(0, 100);
        (0..10_000_u32).for_each(|row| reservoir.offer(&row.to_be_bytes()));
        assert_eq!(reservoir.seen, 10_000);
        assert_eq!(reservoir.keys.len(), 100);
        let late = reservoir.keys.iter().filter(|key| key[..] >= 5_000_u32.to_be_bytes()[..]).count();
        assert!((25..75).contains(&late), "{late}");
        let few = reservoir.finish().unwrap();
        assert_eq!(few.num_rows(), 100);
    }
}
