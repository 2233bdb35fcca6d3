-- What stand-ins of real channels keep beside schema.sql and their own records.

-- What shall be done to requests that are yet to come, oldest rule first.
create table rules (
    id        integer primary key autoincrement,
    topic     text    not null,
    operation text    not null,  -- the stand-in's own name of a request; * is any
    matches   text    not null,  -- JSON object: field path to text, all of which must be equal
    content   text    not null,  -- JSON, for the stand-in to understand
    skip      integer not null check (skip >= 0),
    remaining integer          check (remaining > 0)  -- null: for ever
);
create index rules_by_topic on rules (topic, id);

-- Every name of a field that ever arrived, whatever became of its request.
create table seen_fields (
    operation text not null,
    place     text not null check (place in ('header', 'query', 'body')),
    name      text not null,
    primary key (operation, place, name)
) without rowid;

-- What was switched by hand and must survive a restart.
create table switches (
    name  text not null primary key,
    value text not null
) without rowid;
