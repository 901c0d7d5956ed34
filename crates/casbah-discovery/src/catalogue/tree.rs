//! Host patterns as a tree of labels from the right, so that a look-up is one walk along the host.

use std::collections::HashMap;

use super::AppId;
use super::pattern::Pattern;

/// One label deep per level.
#[derive(Default)]
pub(super) struct Tree {
    literal: HashMap<Box<str>, Tree>,
    /// Start and end around the `*`.
    wild: Vec<(Box<str>, Box<str>, Tree)>,
    exact: Terminal,
    suffix: Terminal,
}

/// What patterns that end at a node stand for.
#[derive(Default)]
struct Terminal {
    whole: Option<AppId>,
    /// Longest first.
    paths: Vec<(Box<str>, AppId)>,
}

/// The answer to a look-up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub(super) app: Option<AppId>,
    /// Whether a pattern with a path lies on the way: then the answer depends on the path.
    pub(super) paths_matter: bool,
    rank: Rank,
}

/// Depth, then path, then `=`, then labels met literally; compared in this order.
type Rank = (usize, usize, bool, usize);

impl Tree {
    /// False where the pattern is there already.
    pub(super) fn insert(&mut self, pattern: &Pattern, app: AppId) -> bool {
        let node = pattern.labels.iter().fold(self, |node, label| node.child(label));
        let terminal = if pattern.exact { &mut node.exact } else { &mut node.suffix };
        if pattern.path.is_empty() {
            return terminal.whole.replace(app).is_none();
        }
        if terminal.paths.iter().any(|(path, _)| **path == *pattern.path) {
            return false;
        }
        terminal.paths.push((pattern.path.as_str().into(), app));
        terminal.paths.sort_by_key(|(path, _)| usize::MAX - path.len());
        true
    }

    fn child(&mut self, label: &str) -> &mut Self {
        let Some((start, end)) = label.split_once('*') else {
            return self.literal.entry(label.into()).or_default();
        };
        let at = match self.wild.iter().position(|(s, e, _)| **s == *start && **e == *end) {
            Some(at) => at,
            None => {
                self.wild.push((start.into(), end.into(), Self::default()));
                self.wild.len() - 1
            }
        };
        &mut self.wild[at].2
    }

    pub(super) fn find(&self, host: &str, path: Option<&str>) -> Found {
        let mut found = Found::default();
        self.walk(Some(host), path, (0, 0), &mut found);
        found
    }

    /// `rest` is what of the host lies left of this node, `None` at its end.
    fn walk(
        &self,
        rest: Option<&str>,
        path: Option<&str>,
        (depth, literal): (usize, usize),
        found: &mut Found,
    ) {
        self.suffix.offer(path, false, depth, literal, found);
        let Some(rest) = rest else {
            self.exact.offer(path, true, depth, literal, found);
            return;
        };
        let (left, label) = match rest.rsplit_once('.') {
            Some((left, label)) => (Some(left), label),
            None => (None, rest),
        };
        if let Some(node) = self.literal.get(label) {
            node.walk(left, path, (depth + 1, literal + 1), found);
        }
        for (start, end, node) in &self.wild {
            let fits = label.len() > start.len() + end.len()
                && label.starts_with(&**start)
                && label.ends_with(&**end);
            if fits {
                node.walk(left, path, (depth + 1, literal), found);
            }
        }
    }
}

impl Terminal {
    fn offer(&self, path: Option<&str>, exact: bool, depth: usize, literal: usize, found: &mut Found) {
        found.paths_matter |= !self.paths.is_empty();
        let by_path = path.and_then(|path| self.paths.iter().find(|(prefix, _)| below(path, prefix)));
        let (app, rank) = match (by_path, self.whole) {
            (Some((prefix, app)), _) => (*app, (depth, prefix.len(), exact, literal)),
            (None, Some(app)) => (app, (depth, 0, exact, literal)),
            (None, None) => return,
        };
        if found.app.is_none() || rank > found.rank {
            found.app = Some(app);
            found.rank = rank;
        }
    }
}

/// Whether a path is that prefix or lies below it: `/wiki` is not a prefix of `/wikipedia`.
fn below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
