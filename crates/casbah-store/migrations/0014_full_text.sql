-- An index of words for free-text search. `search` holds words with one blank between from here on; full_text.rs
-- fills it for the records that exist.

-- Numbers an alert in the index of words; none where the database needs no numbers.
alter table alerts add column doc {int};
{sqlite}
create virtual table activity_words using fts5(words, content='', contentless_delete=1, detail='none', tokenize='ascii');
create virtual table alert_words using fts5(words, content='', contentless_delete=1, detail='none', tokenize='ascii');
{postgres}
create index activities_by_words on activities
    using gin (array_to_tsvector(array_remove(string_to_array(search, ' '), '')));
create index alerts_by_words on alerts
    using gin (array_to_tsvector(array_remove(string_to_array(search, ' '), '')));
{both}
