//! Which objects belong to another one, where the objects do not tell it: the owners of an app, say.
//!
//! The convention: a list below an item, of objects that its path does not select. POST adds one by its id
//! in the path or the body, PUT replaces all, and DELETE removes one, several or all.
//!
//! Where another list below the same item has the members with their roles (owners in v2 of the API), they are kept as the
//! objects of that list, so that both show the same. The list without roles shows who has any role, and adds with [`ROLE`].

use std::collections::BTreeMap;
use std::sync::Arc;

use c1_api_spec::model::{Method, Operation, Safety, Type};
use serde_json::json;

use super::call::Call;
use super::engine::from_path;
use super::kind::{self, Kind, Link, is_hidden};
use super::messages;
use super::names::singular;
use super::path::Path;
use super::plan::{Action, Verb};
use super::row::Row;
use super::survey::{Survey, Surveyed};
use super::table::Table;
use super::{HandlerResult, State, respond};
use crate::status::Status;

/// The part with the id of the member, where they have no roles.
const MEMBER: &str = "/member";
/// The role of the members that are added without one. C1's name for it is not known.
const ROLE: &str = "owner";

/// The members of objects of a kind.
#[derive(Debug)]
pub(super) struct Members {
    /// The kind of what is kept of each.
    pub(super) name: String,
    /// Each part of the key of what they belong to, and the part of what is kept with it.
    parts: Vec<(String, String)>,
    /// The part with the id of the member.
    id: String,
    /// The part with the role. Without, the kind is only for the members.
    role: Option<String>,
    /// The kind of the members.
    member: String,
    /// The kind of the objects that they belong to, and the path of these.
    owner: String,
    owner_template: String,
    /// The last word of the path.
    word: String,
}

/// What an operation does with members.
#[derive(Debug)]
pub(super) enum Change {
    List,
    /// Lists their ids in the field of the response.
    Ids(String),
    Add(Source),
    Remove(Source),
    /// Replaces all by those with the ids in the field of the body.
    Set(String),
    Clear,
}

/// Where the ids of members are.
#[derive(Debug)]
pub(super) enum Source {
    Path(String),
    Body(String),
}

/// All members, by the path of their list.
pub(super) fn find(survey: &Survey<'_>) -> BTreeMap<String, Arc<Members>> {
    let mut found = BTreeMap::new();
    for one in &survey.operations {
        let (Some(list), Some(owner)) = (&one.list, one.path.parents().pop()) else {
            continue;
        };
        let owner_template = owner.template();
        let (Some(kind), Some(facts)) = (
            survey.items.get(&owner_template),
            survey.kinds.get(&list.kind),
        ) else {
            continue;
        };
        let parts = kind::parts_of_list(survey.description, &list.kind, &one.path);
        let told = parts
            .iter()
            .all(|(_, part)| !is_hidden(part) || facts.key.contains(part));
        let below = one.path.collection().template() == owner_template;
        let item = format!("{}/{{}}", one.template);
        let changed = survey.operations.iter().any(|other| {
            other.operation.safety != Safety::Safe
                && other.singles.is_empty()
                && (other.template == one.template || other.template == item)
        });
        if one.operation.method == Method::Get && !told && below && changed && facts.key == ["id"] {
            let owner_key = survey.kinds.get(kind).map_or(&[][..], |owner| &owner.key);
            let members = Members {
                name: format!("{} of {owner_template}", one.template),
                parts: owner_key
                    .iter()
                    .map(|part| (part.clone(), hidden(part)))
                    .collect(),
                id: MEMBER.to_owned(),
                role: None,
                member: list.kind.clone(),
                owner: kind.clone(),
                owner_template,
                word: singular(one.path.name().unwrap_or_default()),
            };
            let members = members.with_roles(survey, &one.template);
            found.insert(one.template.clone(), Arc::new(members));
        }
    }
    found
}

impl Members {
    /// The same, kept as the objects of a list below the members' that have the member, what it belongs to, and a role.
    fn with_roles(self, survey: &Survey<'_>, template: &str) -> Self {
        let own = template.strip_prefix(&self.owner_template);
        let below = format!("{}/", own.unwrap_or_default());
        let mut lists = survey.operations.iter().filter_map(|one| {
            let list = one.list.as_ref()?;
            let kind = survey.kinds.get(&list.kind)?;
            let mut embeds = kind.embeds.iter();
            let (field, _) = embeds.find(|(_, other)| *other == self.member)?;
            // The path of what they belong to may be another one: `resource` in v1 is `resources` in v2.
            let mut parents = one.path.parents().into_iter();
            let is_owner = |path: &Path| survey.items.get(&path.template()) == Some(&self.owner);
            let owner = parents.find(is_owner)?;
            one.template
                .strip_prefix(&owner.template())
                .filter(|rest| rest.starts_with(&below))?;
            let own = kind::parts_of_list(survey.description, &list.kind, &one.path);
            let part = |(parameter, of_owner): &(String, String)| {
                let (_, part) = own.iter().find(|(known, _)| known == parameter)?;
                Some((of_owner.clone(), part.clone()))
            };
            let parts = kind::parts(survey.description, &self.owner, &owner);
            let parts: Vec<_> = parts.iter().map(part).collect::<Option<_>>()?;
            let id = kind::embedded(field, "id");
            let is_role =
                |part: &&String| **part != id && parts.iter().all(|(_, own)| own != *part);
            let mut roles = kind.key.iter().filter(is_role);
            let role = roles.next().filter(|_| roles.next().is_none())?.clone();
            let all = kind.key.len() == parts.len() + 2;
            all.then(|| (list.kind.clone(), parts, id, role))
        });
        let Some((name, parts, id, role)) = lists.next() else {
            return self;
        };
        Self {
            name,
            parts,
            id,
            role: Some(role),
            ..self
        }
    }

    /// The kind of what is kept of a member, if it has none yet.
    pub(super) fn kind(&self) -> Option<Kind> {
        if self.role.is_some() {
            return None;
        }
        let key = self.parts.iter().map(|(_, own)| own.clone());
        let mut kind = Kind::new(&self.name, key.chain([self.id.clone()]).collect());
        kind.owners = vec![
            Link {
                kind: self.owner.clone(),
                parts: self.parts.clone(),
            },
            Link {
                kind: self.member.clone(),
                parts: vec![("id".to_owned(), self.id.clone())],
            },
        ];
        Some(kind)
    }

    /// The part of what is kept with a part of what the members belong to.
    fn part(&self, part: &str) -> String {
        let mut parts = self.parts.iter();
        let found = parts.find(|(of_owner, _)| of_owner == part);
        found.map_or_else(|| hidden(part), |(_, own)| own.clone())
    }

    /// The role of each member that lists show, of several the first.
    fn first_roles<'t>(
        &self,
        table: &'t Table,
        owner: &[(String, String)],
        call: &Call<'_>,
    ) -> BTreeMap<&'t str, &'t str> {
        let mut first = BTreeMap::new();
        if let Some(role) = &self.role {
            for (_, row) in table.listed(call.now, 0, |row| row.is(owner)) {
                first.entry(row.text(&self.id)).or_insert(row.text(role));
            }
        }
        first
    }

    /// What an operation with this path does with the members.
    fn change(survey: &Survey<'_>, one: &Surveyed<'_>) -> Option<Change> {
        let body = messages::request(survey.description, one.operation);
        let field = |ty: &Type| {
            let mut fields = body?.fields.iter().filter(|(_, field)| field.ty == *ty);
            fields.next().map(|(name, _)| name.clone())
        };
        let (id, ids) = (
            field(&Type::String),
            field(&Type::List(Type::String.into())),
        );
        let own = one.path.parameters().pop().filter(|_| one.path.is_item());
        let own = own.map(|(_, name)| Source::Path(name.to_owned()));
        match (
            one.operation.method,
            own,
            id.or(ids.clone()).map(Source::Body),
        ) {
            (Method::Get, None, _) if one.list.is_some() => Some(Change::List),
            _ if !one.singles.is_empty() => None,
            (Method::Post, Some(own), _) | (Method::Post, None, Some(own)) => {
                Some(Change::Add(own))
            }
            (Method::Delete, Some(own), _) | (Method::Delete, None, Some(own)) => {
                Some(Change::Remove(own))
            }
            (Method::Delete, None, None) => Some(Change::Clear),
            (Method::Put, None, _) => ids.map(Change::Set),
            _ => None,
        }
    }

    /// What an operation with the path of the ids (`ownerids`) does.
    fn change_by_ids(survey: &Survey<'_>, operation: &Operation) -> Option<Change> {
        if operation.method == Method::Delete {
            return Some(Change::Clear);
        }
        let response = messages::response(survey.description, operation)?;
        let ids = Type::List(Type::String.into());
        let mut fields = response.fields.iter().filter(|(_, field)| field.ty == ids);
        let (name, _) = fields.next()?;
        (operation.method == Method::Get).then(|| Change::Ids(name.clone()))
    }
}

impl Survey<'_> {
    /// What the operation does with members, if that is what it does.
    pub(super) fn members_action(&self, one: &Surveyed<'_>) -> Option<Action> {
        let template = if one.path.is_item() {
            one.path.collection().template()
        } else {
            one.template.clone()
        };
        let owner = one.path.collection().template();
        let word = one.path.name().and_then(|name| name.strip_suffix("ids"));
        let mut all = self.members.values();
        let (members, change) = if let Some(members) = self.members.get(&template) {
            (members, Members::change(self, one)?)
        } else {
            let of_ids = |members: &&Arc<Members>| {
                members.owner_template == owner && Some(members.word.as_str()) == word
            };
            let members = all.find(of_ids)?;
            (members, Members::change_by_ids(self, one.operation)?)
        };
        let parents: Vec<_> = self.parents(&one.path);
        let (_, parts) = parents.iter().find(|(kind, _)| *kind == members.owner)?;
        let path = parts
            .iter()
            .map(|(name, part)| (name.clone(), members.part(part)));
        Some(Action {
            kind: members.member.clone(),
            path: path.collect(),
            verb: Verb::Members(Arc::clone(members), change),
            given: Vec::new(),
            parents,
            collection: None,
            shape: one.list.clone(),
        })
    }
}

/// The part of a member with a part of what it belongs to.
fn hidden(part: &str) -> String {
    format!("/{part}")
}

impl State {
    /// The ids of the members (`owner`) of the object of a kind, whose key has these values.
    pub(super) fn members_of(
        &self,
        member: &str,
        kind: &str,
        key: &[(String, String)],
    ) -> Vec<String> {
        let mut members = self.plan.members();
        let Some(found) = members.find(|found| found.word == member && found.owner == kind) else {
            return Vec::new();
        };
        let key = key.iter();
        let owner: Vec<_> = key
            .map(|(part, value)| (found.part(part), value.clone()))
            .collect();
        let rows = self.all(&found.name).filter(|row| row.is(&owner));
        distinct(rows.map(|row| row.text(&found.id)))
    }

    /// Lists or changes the members of an object.
    pub(super) fn change_members(
        &mut self,
        action: &Action,
        members: &Members,
        change: &Change,
        call: &Call<'_>,
    ) -> HandlerResult {
        let owner = from_path(&action.path, call);
        let name = &members.name;
        match change {
            Change::List => {
                let table = self.read_table(name);
                let first = members.first_roles(table, &owner, call);
                let is_first = |row: &Row| {
                    let role = members.role.as_ref().map(|role| row.text(role));
                    role == first.get(row.text(&members.id)).copied()
                };
                let keep = |row: &Row| row.is(&owner) && is_first(row);
                let (rows, next) = table.page(&self.description, call, keep)?;
                // Lists may show one longer than it exists.
                let shown = rows
                    .into_iter()
                    .filter_map(|row| self.member(action, row.text(&members.id)).ok());
                let shown = shown.collect();
                return Ok(respond::page(self, action, call, (shown, next)));
            }
            Change::Ids(field) => {
                let rows = self.listed(name, call, |row| row.is(&owner));
                let ids = distinct(rows.map(|row| row.text(&members.id)));
                return Ok(json!({ field: ids }));
            }
            Change::Add(source) => {
                let ids = ids(source, call);
                self.add_members(action, members, &owner, &ids, call)?;
            }
            Change::Remove(source) => {
                for id in ids(source, call) {
                    let mut selection = owner.clone();
                    selection.push((members.id.clone(), id));
                    self.find(name, &selection)?;
                    self.remove_members(members, &selection, call);
                }
            }
            Change::Set(field) => {
                let ids = ids(&Source::Body(field.clone()), call);
                ids.iter()
                    .try_for_each(|id| self.member(action, id).map(drop))?;
                self.remove_members(members, &owner, call);
                self.add_members(action, members, &owner, &ids, call)?;
            }
            Change::Clear => self.remove_members(members, &owner, call),
        }
        Ok(json!({}))
    }

    fn member(&self, action: &Action, id: &str) -> Result<&Row, Status> {
        self.find(&action.kind, &[("id".to_owned(), id.to_owned())])
    }

    /// Removes the members with these parts, whatever their roles.
    fn remove_members(&mut self, members: &Members, parts: &[(String, String)], call: &Call<'_>) {
        let rows = self.all(&members.name).filter(|row| row.is(parts));
        let rows: Vec<_> = rows.cloned().collect();
        for row in rows {
            self.remove(&members.name, &row, &call.timestamp());
        }
    }

    /// Adds members. Who is one already stays one.
    fn add_members(
        &mut self,
        action: &Action,
        members: &Members,
        owner: &[(String, String)],
        ids: &[String],
        call: &Call<'_>,
    ) -> Result<(), Status> {
        for id in ids {
            self.member(action, id)?;
        }
        for id in ids {
            let mut row = Row::default();
            for (part, value) in owner {
                row.set(part, value.as_str());
            }
            row.set(&members.id, id.as_str());
            let Some(role) = &members.role else {
                let key = owner.iter().map(|(_, value)| value).chain([id]);
                let key: Vec<_> = key.map(String::as_str).collect();
                self.table(&members.name).put(&key, row)?;
                continue;
            };
            let mut selection = owner.to_vec();
            selection.push((members.id.clone(), id.clone()));
            if self.find(&members.name, &selection).is_err() {
                row.set(role, ROLE);
                self.insert(&members.name, row, &call.timestamp())?;
            }
        }
        Ok(())
    }
}

/// Each id once, in order.
fn distinct<'r>(ids: impl Iterator<Item = &'r str>) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for id in ids {
        if !distinct.iter().any(|known| known == id) {
            distinct.push(id.to_owned());
        }
    }
    distinct
}

/// The ids in a field of the body, or the one in the path.
fn ids(source: &Source, call: &Call<'_>) -> Vec<String> {
    match source {
        Source::Path(name) => vec![call.path(name).to_owned()],
        Source::Body(field) if call.body().text(field).is_empty() => {
            let ids = call.body().texts(field).into_iter();
            ids.map(str::to_owned).collect()
        }
        Source::Body(field) => vec![call.body().text(field).to_owned()],
    }
}
