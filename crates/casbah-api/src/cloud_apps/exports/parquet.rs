//! Apache Parquet: the columns of the CSV, each with a type, in groups of rows that are written when they are full.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use serde_json::Value;

use super::{Column, TIMES, words};

/// Rows of one group: what is kept in memory at the most.
const ROWS: usize = 10_000;

/// Columns of whole numbers.
const NUMBERS: &[&str] = &[
    "appId",
    "severityValue",
    "statusValue",
    "resolutionStatusValue",
    "score",
    "threatScore",
    "usersCount",
    "ipAddressesCount",
    "trafficTotalBytes",
    "trafficUploadedBytes",
    "trafficDownloadedBytes",
    "trafficTotalEvents",
    "trafficBlockedEvents",
    "fileSize",
];
/// Columns of yes and no.
const FLAGS: &[&str] = &["adminEvent", "isAdmin", "isExternal", "isSuccess"];

/// The values of a column that wait for their group to be full; null is a level without a value.
enum Values {
    /// Milliseconds since 1970.
    Times(Vec<i64>),
    Numbers(Vec<i64>),
    Flags(Vec<bool>),
    Texts(Vec<ByteArray>),
}

struct Waiting {
    place: &'static str,
    levels: Vec<i16>,
    values: Values,
}

/// What was written and has not been sent.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A file under construction.
pub(super) struct Table {
    out: Out,
    writer: SerializedFileWriter<Out>,
    columns: Vec<Waiting>,
    rows: usize,
}

impl Table {
    /// Begins a file; its columns are packed with gzip when that is asked for.
    pub(super) fn new(columns: &'static [Column], gzip: bool) -> Result<Table> {
        let fields = columns.iter().map(|(name, _)| field(name)).collect::<Result<Vec<_>>>()?;
        let schema = Arc::new(Type::group_type_builder("record").with_fields(fields).build()?);
        let packed = if gzip { Compression::GZIP(Default::default()) } else { Compression::UNCOMPRESSED };
        let properties = Arc::new(WriterProperties::builder().set_compression(packed).build());
        let out = Out::default();
        let writer = SerializedFileWriter::new(out.clone(), schema, properties)?;
        let waiting = |(name, place): &(&'static str, &'static str)| Waiting {
            place,
            levels: Vec::new(),
            values: values_of(name),
        };
        Ok(Table { out, writer, columns: columns.iter().map(waiting).collect(), rows: 0 })
    }

    /// Takes records; answers what is ready to be sent.
    pub(super) fn write(&mut self, records: &[Value]) -> Result<Vec<u8>> {
        for record in records {
            for column in &mut self.columns {
                column.push(record.pointer(column.place));
            }
            self.rows += 1;
            if self.rows == ROWS {
                self.end_group()?;
            }
        }
        Ok(self.take())
    }

    /// The rest of the file.
    pub(super) fn end(mut self) -> Result<Vec<u8>> {
        if self.rows > 0 {
            self.end_group()?;
        }
        self.writer.finish()?;
        Ok(self.take())
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.out.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn end_group(&mut self) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            let other = || ParquetError::General("a column of another type than its values".into());
            let mut writer = group.next_column()?.ok_or_else(other)?;
            let levels = Some(column.levels.as_slice());
            match (writer.untyped(), &column.values) {
                (ColumnWriter::Int64ColumnWriter(to), Values::Times(values) | Values::Numbers(values)) => {
                    to.write_batch(values, levels, None)?
                }
                (ColumnWriter::BoolColumnWriter(to), Values::Flags(values)) => {
                    to.write_batch(values, levels, None)?
                }
                (ColumnWriter::ByteArrayColumnWriter(to), Values::Texts(values)) => {
                    to.write_batch(values, levels, None)?
                }
                _ => return Err(other()),
            };
            writer.close()?;
            column.clear();
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl Waiting {
    fn push(&mut self, value: Option<&Value>) {
        let value = value.filter(|value| !value.is_null());
        let number = |value: &Value| value.as_i64().or_else(|| value.as_f64().map(|x| x as i64));
        let present = match &mut self.values {
            Values::Times(values) | Values::Numbers(values) => value.and_then(number).map(|n| values.push(n)),
            Values::Flags(values) => value.and_then(Value::as_bool).map(|flag| values.push(flag)),
            Values::Texts(values) => value.map(|value| values.push(words(value).into_bytes().into())),
        };
        self.levels.push(i16::from(present.is_some()));
    }

    fn clear(&mut self) {
        self.levels.clear();
        match &mut self.values {
            Values::Times(values) | Values::Numbers(values) => values.clear(),
            Values::Flags(values) => values.clear(),
            Values::Texts(values) => values.clear(),
        }
    }
}

fn values_of(name: &str) -> Values {
    match name {
        name if TIMES.contains(&name) => Values::Times(Vec::new()),
        name if NUMBERS.contains(&name) => Values::Numbers(Vec::new()),
        name if FLAGS.contains(&name) => Values::Flags(Vec::new()),
        _ => Values::Texts(Vec::new()),
    }
}

fn field(name: &str) -> Result<Arc<Type>> {
    let (physical, logical) = match values_of(name) {
        Values::Times(_) => {
            let unit = parquet::basic::TimeUnit::MILLIS;
            (Physical::INT64, Some(LogicalType::timestamp(true, unit)))
        }
        Values::Numbers(_) => (Physical::INT64, None),
        Values::Flags(_) => (Physical::BOOLEAN, None),
        Values::Texts(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    let field = Type::primitive_type_builder(name, physical);
    Ok(Arc::new(field.with_repetition(Repetition::OPTIONAL).with_logical_type(logical).build()?))
}
