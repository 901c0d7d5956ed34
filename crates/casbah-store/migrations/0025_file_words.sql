-- An index of the words in the names of files; full_text.rs fills it for the files that are there.

alter table files add column search {text} not null default '';
-- Numbers a file in the index of words; none where the database needs no numbers.
alter table files add column doc {int};
{sqlite}
create virtual table file_words using fts5(words, content='', contentless_delete=1, detail='none', tokenize='ascii');
{postgres}
create index files_by_words on files using gin (array_to_tsvector(array_remove(string_to_array(search, ' '), '')));
{both}
