//! Which column means what, for the shapes that have columns: by position, or as a header says.

use super::{separated, words};
use crate::format::{Cells, Column, Field};
use crate::plan::Names;

/// A header with more names than this is damage.
const MAX_COLUMNS: usize = 1024;

/// How a line with columns is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Splitter {
    Separated(u8),
    Words { brackets: bool },
}

impl Splitter {
    fn split<'l>(self, line: &'l [u8], cell: impl FnMut(usize, &'l [u8]) -> bool) -> Option<usize> {
        match self {
            Self::Separated(delimiter) => separated::split(line, delimiter, cell),
            Self::Words { brackets } => words::split(line, brackets, cell),
        }
    }
}

/// The meaning of columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Columns {
    /// Field and rank by column; a lower rank is a better source for the field.
    at: Vec<Option<(Field, u8)>>,
    last: Option<Field>,
    /// Cells a sound line has at least.
    needed: usize,
}

impl Columns {
    /// As the format says by position.
    pub(crate) fn by_position(positions: &[(Field, Column)]) -> Self {
        let mut columns = Self::default();
        for (field, column) in positions {
            match *column {
                Column::At(at) => {
                    let at = usize::from(at);
                    columns.at.resize(columns.at.len().max(at + 1), None);
                    columns.at[at] = Some((*field, 0));
                }
                Column::LastOf(needed) => {
                    columns.last = Some(*field);
                    columns.needed = usize::from(needed);
                }
            }
        }
        columns.needed = columns.needed.max(columns.at.len());
        columns
    }

    /// As a header line says; `None` where it does not name time, client and destination. Names that the
    /// plan does not know may mean something everywhere.
    pub(crate) fn by_header(
        line: &[u8],
        splitter: Splitter,
        names: &Names,
        everywhere: Option<&Names>,
    ) -> Option<Self> {
        let mut columns = Self::default();
        splitter.split(line, |_, name| {
            let name = name.trim_ascii();
            columns.at.push(match everywhere {
                Some(everywhere) => names.find_or(everywhere, name),
                None => names.find(name),
            });
            columns.at.len() < MAX_COLUMNS
        })?;
        let has = |fields: &[Field]| columns.at.iter().flatten().any(|(field, _)| fields.contains(field));
        let complete = (has(&[Field::Time]) || has(&[Field::Clock]))
            && has(&[Field::SourceIp])
            && has(&[Field::Url, Field::Host, Field::DestinationIp]);
        columns.needed = columns.at.len();
        complete.then_some(columns)
    }

    /// As somebody says who knows a file without a header.
    pub(crate) fn by_names(columns: &[String], names: &Names) -> Self {
        let at: Vec<_> = columns.iter().map(|name| names.find(name.as_bytes())).collect();
        Self { needed: at.len(), at, last: None }
    }

    /// Whether a line starts with something else than its time.
    pub(crate) fn start_with_other(&self) -> bool {
        let stamps = |field| matches!(field, Field::Time | Field::Date | Field::Clock);
        self.at.first().is_some_and(|first| !first.is_some_and(|(field, _)| stamps(field)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Fills `cells` from a line. False where the line has too few cells, or ends inside a quote.
    pub(crate) fn read<'l>(&self, line: &'l [u8], splitter: Splitter, cells: &mut Cells<'l>) -> bool {
        let known = self.at.len();
        let to_the_end = self.last.is_some();
        let mut last: &[u8] = b"";
        let count = splitter.split(line, |number, cell| {
            if let Some(Some((field, rank))) = self.at.get(number) {
                cells.offer(*field, *rank, cell);
            }
            last = cell;
            to_the_end || number + 1 < known
        });
        if let Some(field) = self.last {
            cells.set(field, last);
        }
        count.is_some_and(|count| count >= self.needed)
    }
}
