//! Many rows with one statement: on PostgreSQL each statement is a round trip.

/// Rows of one statement, largest first. Few sizes, so that few statements are prepared and each
/// is used again; the largest stays far below both databases' limit of parameters.
const SIZES: [usize; 3] = [500, 25, 1];

/// Cuts rows into as few statements as these sizes allow.
pub(crate) fn batches<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rows.len())?;
        let (batch, rest) = rows.split_at(size);
        rows = rest;
        Some(batch)
    })
}

/// `(?1, ?2, ?3, ?4), (?1, ?2, ?5, ?6)`: what follows `values`, where the first parameters are the
/// same in each row.
pub(crate) fn places(rows: usize, common: usize, own: usize) -> String {
    let list = |from: usize, count: usize| (from..from + count).map(|number| format!("?{number}"));
    let row = |row: usize| {
        let numbers: Vec<String> = list(1, common).chain(list(1 + common + row * own, own)).collect();
        format!("({})", numbers.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{batches, places};

    #[test]
    fn batches_lose_nothing() {
        for length in [0, 1, 24, 25, 499, 500, 1234] {
            let rows: Vec<usize> = (0..length).collect();
            assert_eq!(batches(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        }
        assert_eq!(batches(&[0; 1234]).count(), 2 + 9 + 9);
    }

    #[test]
    fn rows_share_their_first_parameters() {
        assert_eq!(places(2, 1, 2), "(?1, ?2, ?3), (?1, ?4, ?5)");
    }
}
