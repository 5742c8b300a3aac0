//! Executes what the plan says an operation does.

use std::collections::BTreeMap;
use std::sync::Arc;

use c1_api_spec::model::{Description, Message, SchemaKind, Type};
use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::filter::{Filter, is_empty};
use super::history::Change;
use super::kind::{Kind, embedded};
use super::messages;
use super::plan::{Action, Replacement, Verb};
use super::row::Row;
use super::sort::Order;
use super::table::Table;
use super::{HandlerResult, State, respond, rules};
use crate::status::Status;

/// Fields that the server sets.
const SET_BY_SERVER: [&str; 4] = ["id", "createdAt", "updatedAt", "deletedAt"];
/// The part with the collection in which an object was created, where its kind has several.
pub(super) const COLLECTION: &str = "/";

/// Parts of objects and their values.
type Selection = Vec<(String, String)>;

/// Parts of objects and their values, such as a key.
pub(super) fn selection<const N: usize>(parts: [(&str, &str); N]) -> [(String, String); N] {
    parts.map(|(part, value)| (part.to_owned(), value.to_owned()))
}

impl State {
    /// Executes the operation.
    pub(super) fn execute(&mut self, action: &Action, call: &Call<'_>) -> HandlerResult {
        for (kind, parts) in &action.parents {
            self.find(kind, &from_path(parts, call))?;
        }
        match &action.verb {
            Verb::Get => {
                let row = self.find(&action.kind, &self.selection(action, call))?;
                Ok(respond::one(self, action, call, row))
            }
            Verb::List(filters) => self.list(action, filters, call),
            Verb::Create => self.create(action, call, &[]),
            Verb::Update => self.update(action, call),
            Verb::Put => match self.find(&action.kind, &self.selection(action, call)) {
                Ok(_) => self.update(action, call),
                Err(_) => self.create(action, call, &[]),
            },
            Verb::Delete => {
                let row = self
                    .find(&action.kind, &self.selection(action, call))?
                    .clone();
                self.remove(&action.kind, &row, &call.timestamp());
                Ok(respond::one(self, action, call, &row))
            }
            Verb::CreateEach(field, part) => self.create_each(action, call, field, part),
            Verb::DeleteEach(field, part) => {
                let mut selection = from_path(&action.path, call);
                selection.push((part.clone(), String::new()));
                for id in call.body().texts(field) {
                    if let Some((_, value)) = selection.last_mut() {
                        id.clone_into(value);
                    }
                    let row = self.find(&action.kind, &selection)?.clone();
                    self.remove(&action.kind, &row, &call.timestamp());
                }
                Ok(respond::one(self, action, call, &Row::default()))
            }
            Verb::Members(members, change) => self.change_members(action, members, change, call),
            Verb::Replace(replacements) => self.replace_all(action, replacements, call),
            Verb::GetSingle => {
                let row = self.singleton(action, call);
                Ok(respond::one(self, action, call, &row))
            }
            Verb::UpdateSingle => {
                let row = self.singleton(action, call);
                self.changed(action, call, &row)
            }
        }
    }

    /// The kind, which every plan knows.
    fn kind(&self, name: &str) -> Result<&Kind, Status> {
        let kind = self.plan.kinds.get(name);
        kind.ok_or_else(|| Status::internal(format!("bug in the emulator: no kind {name}")))
    }

    /// The objects of a kind, to be changed.
    pub(super) fn table(&mut self, kind: &str) -> &mut Table {
        self.changes += 1;
        let table = self
            .tables
            .entry(kind.to_owned())
            .or_insert_with(|| Table::new(kind));
        table.lag.shown = self.shown;
        table
    }

    /// All objects of a kind, in order of creation.
    pub(super) fn all(&self, kind: &str) -> impl Iterator<Item = &Row> + use<'_> {
        self.tables.get(kind).into_iter().flat_map(Table::rows)
    }

    /// The table of a kind, to be read.
    pub(super) fn read_table(&self, kind: &str) -> &Table {
        self.tables.get(kind).unwrap_or(&self.no_rows)
    }

    /// The objects of a kind to keep, as lists show them at the time of the call.
    pub(super) fn listed(
        &self,
        kind: &str,
        call: &Call<'_>,
        keep: impl Fn(&Row) -> bool + Copy,
    ) -> impl Iterator<Item = &Row> {
        let rows = self.read_table(kind).listed(call.now, 0, keep);
        rows.map(|(_, row)| row)
    }

    /// The object that the selection identifies; 404 if there is none.
    pub(super) fn find(&self, kind: &str, selection: &[(String, String)]) -> Result<&Row, Status> {
        let values: Vec<_> = selection.iter().map(|(_, value)| value.as_str()).collect();
        let missing = || Status::not_found(kind, &values.join("/"));
        let table = self.tables.get(kind).ok_or_else(missing)?;
        let value = |part: &String| {
            let found = selection.iter().find(|(known, _)| known == part);
            found.map(|(_, value)| value.as_str())
        };
        let key: Option<Vec<_>> = self.kind(kind)?.key.iter().map(value).collect();
        match key {
            Some(key) => table.get(&key).ok().filter(|row| row.is(selection)),
            None => table.find(|row| row.is(selection)),
        }
        .ok_or_else(missing)
    }

    /// What the path, the query and the body say of the object.
    fn selection(&self, action: &Action, call: &Call<'_>) -> Selection {
        let mut selection = from_path(&action.path, call);
        for part in &action.given {
            let value = call.value(part).map(|value| text(&value));
            let value = value.filter(|value| !value.is_empty());
            let value = value.or_else(|| self.first_enum_value(&action.kind, part));
            selection.push((part.clone(), value.unwrap_or_default()));
        }
        if let Some(object) = self.nested(action, call) {
            let key = self
                .plan
                .kinds
                .get(&action.kind)
                .map_or(&[][..], |kind| &kind.key);
            let missing = key
                .iter()
                .filter(|part| !selection.iter().any(|(known, _)| known == *part));
            let missing: Vec<_> = missing
                .map(|part| (part.clone(), text_of(object.get(part))))
                .collect();
            selection.extend(missing);
        }
        // Stays below the collection, so that the path of an item of all kinds finds them all.
        selection.extend(
            action
                .collection
                .iter()
                .map(|at| (COLLECTION.to_owned(), at.clone())),
        );
        selection
    }

    /// The value of an enum that is not set.
    fn first_enum_value(&self, kind: &str, field: &str) -> Option<String> {
        let Type::Ref(schema) = &self.description.message(kind)?.fields.get(field)?.ty else {
            return None;
        };
        match &self.description.schemas.get(schema)?.kind {
            SchemaKind::Enum(names) => names.first().cloned(),
            _ => None,
        }
    }

    /// The object in the body.
    fn nested<'c>(&self, action: &Action, call: &'c Call<'_>) -> Option<&'c Map<String, Value>> {
        let body = messages::request(&self.description, call.operation)?;
        let of_kind = Type::Ref(action.kind.clone());
        let mut fields = body.fields.iter().filter(|(_, field)| field.ty == of_kind);
        fields.find_map(|(name, _)| call.body().0.get(name)?.as_object())
    }

    fn list(
        &self,
        action: &Action,
        filters: &[(String, Filter)],
        call: &Call<'_>,
    ) -> HandlerResult {
        let mut selection = from_path(&action.path, call);
        selection.extend(
            action
                .collection
                .iter()
                .map(|at| (COLLECTION.to_owned(), at.clone())),
        );
        let mut set = Vec::new();
        for (name, filter) in filters {
            let value = call.value(name).filter(|value| !is_empty(value));
            match (value, filter) {
                (Some(_), Filter::Unknown) => return Err(Status::no_filter(name)),
                (Some(value), filter) => set.push((filter, value)),
                (None, _) => {}
            }
        }
        let table = self.read_table(&action.kind);
        let keep = |row: &Row| {
            row.is(&selection) && set.iter().all(|(filter, value)| filter.passes(row, value))
        };
        let message = message(&self.description, &action.kind)?;
        let page = match Order::of(message, call)? {
            None => table.page(&self.description, call, keep)?,
            Some(order) => {
                let key = |_, row: &Row| order.key(message, row);
                table.sorted_page(&self.description, call, keep, key, order.descending)?
            }
        };
        Ok(respond::page(self, action, call, page))
    }

    /// Creates an object with what the request says, and with `more`.
    pub(super) fn create(
        &mut self,
        action: &Action,
        call: &Call<'_>,
        more: &[(&str, Value)],
    ) -> HandlerResult {
        let description = Arc::clone(&self.description);
        let message = message(&description, &action.kind)?;
        let mut row = Row::default();
        if let Some(object) = self.nested(action, call) {
            row.update(&self.description, &action.kind, object, "")?;
        }
        self.copy_request_fields(&mut row, &action.kind, call);
        for name in SET_BY_SERVER {
            row.0.shift_remove(name);
        }
        let selection = self.selection(action, call);
        for (part, value) in selection.iter().filter(|(_, value)| !value.is_empty()) {
            row.set(part, typed(message, part, value));
        }
        let ty = |field: &str| message.fields.get(field).map(|field| &field.ty);
        let request = messages::request(&description, call.operation);
        for (name, field) in rules::renamed(&action.kind) {
            let requested = request.and_then(|request| request.fields.get(*name));
            if let (Some(value), Some(requested)) = (call.value(name), requested)
                && ty(field) == Some(&requested.ty)
            {
                row.set(field, value);
            }
        }
        for (name, field, kind) in rules::copied(&action.kind) {
            if ty(field) == Some(&Type::List(Box::new(Type::Ref((*kind).to_owned())))) {
                let ids = call.body().texts(name).into_iter();
                let copies = ids.map(|id| Ok(Value::Object(self.find_by_id(kind, id)?.0.clone())));
                row.set(field, copies.collect::<Result<Vec<_>, Status>>()?);
            }
        }
        for name in rules::flags(&action.kind) {
            if ty(name) == Some(&Type::Bool) {
                row.set(name, true);
            }
        }
        for name in rules::ids(&action.kind) {
            if ty(name) == Some(&Type::String) {
                row.set(name, self.ids.id());
            }
        }
        for (name, value) in more {
            row.set(name, value.clone());
        }
        self.check_owners(&action.kind, &row, &selection)?;
        let row = self.insert(&action.kind, row, &call.timestamp())?;
        Ok(respond::created(self, action, call, &row))
    }

    /// Creates an object for each id in the body. Those that exist already stay as they are.
    fn create_each(
        &mut self,
        action: &Action,
        call: &Call<'_>,
        field: &str,
        part: &str,
    ) -> HandlerResult {
        let selection = from_path(&action.path, call);
        let mut rows = Vec::new();
        for id in call.body().texts(field) {
            let mut row = Row::default();
            for (part, value) in selection.iter().chain([&(part.to_owned(), id.to_owned())]) {
                row.set(part, value.as_str());
            }
            self.check_owners(&action.kind, &row, &[])?;
            rows.push(row);
        }
        let mut created = Vec::new();
        for row in rows {
            match self.insert(&action.kind, row, &call.timestamp()) {
                Err(status) if status.http == StatusCode::CONFLICT => {}
                row => created.push(row?),
            }
        }
        Ok(respond::page(
            self,
            action,
            call,
            (created.iter().collect(), String::new()),
        ))
    }

    pub(super) fn find_by_id(&self, kind: &str, id: &str) -> Result<&Row, Status> {
        self.find(kind, &[("id".to_owned(), id.to_owned())])
    }

    /// Completes an object and stores it. 409 if it exists, or another one has its name.
    pub(super) fn insert(&mut self, kind: &str, mut row: Row, now: &str) -> Result<Row, Status> {
        let description = Arc::clone(&self.description);
        let message = message(&description, kind)?;
        let parts = self.kind(kind)?.key.clone();
        for part in &parts {
            if text_of(row.0.get(part)).is_empty() {
                let value = match message.fields.get(part).map(|field| &field.ty) {
                    Some(ty) if is_integer(ty) => self.table(kind).next_number().to_string(),
                    Some(Type::Ref(_)) => self.first_enum_value(kind, part).unwrap_or_default(),
                    _ => self.ids.id(),
                };
                row.set(part, typed(message, part, &value));
            }
        }
        if message
            .fields
            .get("id")
            .is_some_and(|field| field.ty == Type::String)
            && row.text("id").is_empty()
        {
            row.set("id", self.ids.id());
        }
        for name in ["createdAt", "updatedAt"] {
            let field = message.fields.get(name);
            if field.is_some_and(|field| field.ty == Type::Timestamp) && row.text(name).is_empty() {
                row.set(name, now);
            }
        }
        let key = key(&parts, &row);
        self.table(kind).insert(&key, row.clone())?;
        self.record(kind, &row, Change::Created, now);
        Ok(row)
    }

    /// Checks that what the object belongs to exists, as far as the request says what that is.
    fn check_owners(
        &self,
        kind: &str,
        row: &Row,
        given: &[(String, String)],
    ) -> Result<(), Status> {
        for link in &self.kind(kind)?.owners {
            let mut selection = Vec::new();
            for (part, own) in &link.parts {
                let value = text_of(row.0.get(own));
                if value.is_empty() && given.iter().any(|(known, _)| known == own) {
                    return Err(Status::invalid_field(
                        own,
                        "the id of an object that exists",
                    ));
                }
                selection.push((part.clone(), value));
            }
            if selection.iter().all(|(_, value)| !value.is_empty()) {
                self.find(&link.kind, &selection)?;
            }
        }
        Ok(())
    }

    fn update(&mut self, action: &Action, call: &Call<'_>) -> HandlerResult {
        let row = self
            .find(&action.kind, &self.selection(action, call))?
            .clone();
        self.changed(action, call, &row)
    }

    /// Stores the object with the changes of the request.
    fn changed(&mut self, action: &Action, call: &Call<'_>, old: &Row) -> HandlerResult {
        let parts = self.kind(&action.kind)?.key.clone();
        let mut row = old.clone();
        let mask = text_of(call.value("updateMask").as_ref());
        if let Some(object) = self.nested(action, call) {
            row.update(&self.description, &action.kind, object, &mask)?;
            self.copy_request_fields(&mut row, &action.kind, call);
        } else if mask.is_empty() {
            self.copy_request_fields(&mut row, &action.kind, call);
        } else {
            row.update(&self.description, &action.kind, &call.body().0, &mask)?;
        }
        for name in parts.iter().map(String::as_str).chain(SET_BY_SERVER) {
            match old.0.get(name) {
                Some(value) => row.set(name, value.clone()),
                None => drop(row.0.shift_remove(name)),
            }
        }
        let row = self.store(&action.kind, row, &call.timestamp())?;
        Ok(respond::one(self, action, call, &row))
    }

    /// Stores an object that has changed, with the time of the change.
    pub(super) fn store(&mut self, kind: &str, mut row: Row, now: &str) -> Result<Row, Status> {
        let updated = message(&self.description, kind)?.fields.get("updatedAt");
        if updated.is_some_and(|field| field.ty == Type::Timestamp) {
            row.set("updatedAt", now);
        }
        let key = key(&self.kind(kind)?.key, &row);
        self.table(kind).put(&key, row.clone())?;
        self.record(kind, &row, Change::Updated, now);
        Ok(row)
    }

    /// The object that is always there.
    fn singleton(&self, action: &Action, call: &Call<'_>) -> Row {
        let selection = from_path(&action.path, call);
        if let Ok(row) = self.find(&action.kind, &selection) {
            return row.clone();
        }
        let mut row = Row::default();
        for (part, value) in selection {
            row.set(&part, value);
        }
        row
    }

    /// Removes an object and all that belongs to it.
    pub(super) fn remove(&mut self, kind: &str, row: &Row, now: &str) {
        let plan = Arc::clone(&self.plan);
        let mut removed = vec![(kind.to_owned(), row.clone())];
        if let Some(facts) = plan.kinds.get(kind) {
            let key = key(&facts.key, row);
            self.table(kind).remove(&key);
        }
        while let Some((kind, row)) = removed.pop() {
            self.record(&kind, &row, Change::Deleted, now);
            for (other, facts) in &plan.kinds {
                for link in facts.owners.iter().filter(|link| link.kind == kind) {
                    let belongs = |own: &Row| {
                        let mut parts = link.parts.iter();
                        parts.all(|(part, mine)| own.0.get(mine) == row.0.get(part))
                    };
                    let gone = self.table(other).extract(belongs).into_iter();
                    removed.extend(gone.map(|row| (other.clone(), row)));
                }
            }
        }
    }

    fn replace_all(
        &mut self,
        action: &Action,
        replacements: &[Replacement],
        call: &Call<'_>,
    ) -> HandlerResult {
        // All new objects are checked before any is removed, so that a failure changes nothing.
        let mut new: BTreeMap<(&str, Vec<String>), Row> = BTreeMap::new();
        for one in replacements {
            let parts = &self.kind(&one.kind)?.key;
            let common = Self::common(one, call)?;
            for element in call.objects(&one.field) {
                let mut row = Row::default();
                for (part, value) in &common {
                    row.set(part, value.as_str());
                }
                for (field, part) in &one.element {
                    row.set(part, element.text(field));
                }
                self.check_owners(&one.kind, &row, &[])?;
                new.insert((&one.kind, key(parts, &row)), row);
            }
        }
        for one in replacements {
            let common = Self::common(one, call)?;
            self.table(&one.kind).extract(|row| row.is(&common));
        }
        for ((kind, _), row) in new {
            self.insert(kind, row, &call.timestamp())?;
        }
        Ok(respond::one(self, action, call, &Row::default()))
    }

    /// What all objects that are replaced have in common.
    fn common(one: &Replacement, call: &Call<'_>) -> Result<Selection, Status> {
        let mut common = from_path(&one.path, call);
        for part in &one.given {
            let value = text_of(call.value(part).as_ref());
            if value.is_empty() {
                return Err(Status::invalid_field(
                    part,
                    "a value, because it says which are replaced",
                ));
            }
            common.push((part.clone(), value));
        }
        Ok(common)
    }

    /// Copies the fields of the call's body that have the same name and type in the object.
    fn copy_request_fields(&self, row: &mut Row, kind: &str, call: &Call<'_>) {
        let request = messages::request(&self.description, call.operation);
        if let (Some(message), Some(request)) = (self.description.message(kind), request) {
            row.copy_fields(message, request, &call.body().0);
        }
    }

    /// Adds an object as the service would return it. What it lacks of an id and times is added.
    pub(super) fn add(
        &mut self,
        kind: &str,
        fields: Map<String, Value>,
        now: &str,
    ) -> Result<Row, Status> {
        let plan = Arc::clone(&self.plan);
        let facts = plan
            .kinds
            .get(kind)
            .ok_or_else(|| Status::not_found("kind of object", kind))?;
        let mut row = Row(fields);
        row.0.retain(|_, value| !value.is_null());
        for (field, other) in &facts.embeds {
            let object = row.0.shift_remove(field);
            for part in plan.kinds.get(other).map_or(&[][..], |other| &other.key) {
                let value = object.as_ref().and_then(|object| object.get(part));
                row.set(&embedded(field, part), text_of(value));
            }
        }
        self.check_owners(kind, &row, &[])?;
        self.insert(kind, row, now)
    }

    /// The fields of an object, with those of the objects in it as they are now.
    pub(super) fn fields(&self, kind: &str, row: &Row) -> Map<String, Value> {
        let mut fields = row.fields();
        for (field, other) in rules::copies(kind) {
            if let Some(Value::Array(copies)) = fields.get_mut(field) {
                let current = copies.iter().filter_map(|copy| {
                    let key = &self.plan.kinds.get(other)?.key;
                    let part = |part: &String| (part.clone(), text_of(copy.get(part)));
                    let key: Vec<_> = key.iter().map(part).collect();
                    Some(Value::Object(self.find(other, &key).ok()?.fields()))
                });
                *copies = current.collect();
            }
        }
        for (field, other, part) in rules::joined(kind) {
            if let Ok(found) = self.find_by_id(other, row.text(part)) {
                fields.insert((*field).to_owned(), Value::Object(found.fields()));
            }
        }
        let embeds = self.plan.kinds.get(kind).map(|facts| &facts.embeds);
        for (field, other) in embeds.into_iter().flatten() {
            let key = self.plan.kinds.get(other).map(|other| &other.key);
            let selection = key.into_iter().flatten().map(|part| {
                let value = row.text(&embedded(field, part));
                (part.clone(), value.to_owned())
            });
            if let Ok(found) = self.find(other, &selection.collect::<Vec<_>>()) {
                fields.insert(field.clone(), Value::Object(found.fields()));
            }
        }
        fields
    }
}

/// The message of the kind, which every description has.
fn message<'d>(description: &'d Description, kind: &str) -> Result<&'d Message, Status> {
    let message = description.message(kind);
    message.ok_or_else(|| Status::internal(format!("bug in the emulator: no message {kind}")))
}

pub(super) fn from_path(parts: &[(String, String)], call: &Call<'_>) -> Selection {
    let parts = parts.iter();
    parts
        .map(|(name, part)| (part.clone(), call.path(name).to_owned()))
        .collect()
}

/// The values of the parts of the key.
pub(super) fn key(parts: &[String], row: &Row) -> Vec<String> {
    parts.iter().map(|part| text_of(row.0.get(part))).collect()
}

fn text_of(value: Option<&Value>) -> String {
    value.map(text).unwrap_or_default()
}

/// A scalar as in a path.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

fn is_integer(ty: &Type) -> bool {
    matches!(ty, Type::Int64 | Type::Uint64) || is_number(ty)
}

/// Whether the type is written as a JSON number without a fraction.
fn is_number(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Int32 | Type::Uint32 | Type::Int64Number | Type::Uint64Number
    )
}

/// The text as the field has it.
fn typed(message: &Message, field: &str, text: &str) -> Value {
    match message.fields.get(field).map(|field| &field.ty) {
        Some(ty) if is_number(ty) => text
            .parse::<i64>()
            .map_or(json!(text), |number| json!(number)),
        Some(Type::Bool) => json!(text == "true"),
        _ => json!(text),
    }
}
