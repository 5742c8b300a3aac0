//! Which objects belong to another one, where the objects do not tell it: the owners of an app, say.
//!
//! The convention: a list below an item, of objects that its path does not select. POST adds one by its id
//! in the path or the body, PUT replaces all, and DELETE removes one, several or all.

use std::collections::BTreeMap;

use c1_api_spec::model::{Method, Operation, Safety, Type};
use indexmap::IndexMap;
use serde_json::json;

use super::call::Call;
use super::engine::from_path;
use super::kind::{self, Kind, Link, is_hidden};
use super::messages;
use super::names::singular;
use super::plan::{Action, Verb};
use super::row::Row;
use super::survey::{Survey, Surveyed};
use super::table::Table;
use super::{HandlerResult, State, respond};
use crate::status::Status;

/// The part with the id of the member.
const MEMBER: &str = "/member";

/// The members of objects of a kind.
pub(super) struct Members {
    /// Its own name among the kinds.
    pub(super) name: String,
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
pub(super) fn find(survey: &Survey<'_>) -> BTreeMap<String, Members> {
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
            let members = Members {
                name: format!("{} of {owner_template}", one.template),
                member: list.kind.clone(),
                owner: kind.clone(),
                owner_template,
                word: singular(one.path.name().unwrap_or_default()),
            };
            found.insert(one.template.clone(), members);
        }
    }
    found
}

impl Members {
    /// The kind of what is kept of a member.
    pub(super) fn kind(&self, kinds: &IndexMap<String, Kind>) -> Kind {
        let owner = kinds.get(&self.owner).map_or(&[][..], |owner| &owner.key);
        let parts: Vec<_> = owner
            .iter()
            .map(|part| (part.clone(), hidden(part)))
            .collect();
        let key = parts.iter().map(|(_, own)| own.clone());
        let mut kind = Kind::new(&self.name, key.chain([MEMBER.to_owned()]).collect());
        kind.owners = vec![
            Link {
                kind: self.owner.clone(),
                parts,
            },
            Link {
                kind: self.member.clone(),
                parts: vec![("id".to_owned(), MEMBER.to_owned())],
            },
        ];
        kind
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
            let of_ids = |members: &&Members| {
                members.owner_template == owner && Some(members.word.as_str()) == word
            };
            let members = all.find(of_ids)?;
            (members, Members::change_by_ids(self, one.operation)?)
        };
        let parents: Vec<_> = self.parents(&one.path);
        let (_, parts) = parents.iter().find(|(kind, _)| *kind == members.owner)?;
        let path = parts
            .iter()
            .map(|(name, part)| (name.clone(), hidden(part)));
        Some(Action {
            kind: members.member.clone(),
            path: path.collect(),
            verb: Verb::Members(members.name.clone(), change),
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
        let is_of = |links: &[Link]| links.first().is_some_and(|link| link.kind == kind);
        let mut kinds = self.plan.kinds.iter();
        let found = kinds.find(|(name, facts)| {
            let list = name.split_once(" of ").map(|(list, _)| list);
            list.is_some_and(|list| list.ends_with(&format!("/{member}"))) && is_of(&facts.owners)
        });
        let rows = found.into_iter().flat_map(|(name, _)| self.all(name));
        let own = rows.filter(|row| {
            key.iter()
                .all(|(part, value)| row.text(&hidden(part)) == value)
        });
        own.map(|row| row.text(MEMBER).to_owned()).collect()
    }

    /// Lists or changes the members of an object.
    pub(super) fn change_members(
        &mut self,
        action: &Action,
        name: &str,
        change: &Change,
        call: &Call<'_>,
    ) -> HandlerResult {
        let owner = from_path(&action.path, call);
        match change {
            Change::List => {
                let empty = Table::new(name);
                let table = self.tables.get(name).unwrap_or(&empty);
                let (rows, next) = table.page(&self.description, call, |row| row.is(&owner))?;
                // Lists may show one longer than it exists.
                let members = rows
                    .into_iter()
                    .filter_map(|row| self.member(action, row.text(MEMBER)).ok());
                let members = members.collect();
                return Ok(respond::page(self, action, call, (members, next)));
            }
            Change::Ids(field) => {
                let rows = self.tables.get(name).into_iter();
                let rows = rows.flat_map(|table| table.listed(call.now, 0, |_| true));
                let rows = rows.filter(|(_, row)| row.is(&owner));
                let ids: Vec<_> = rows.map(|(_, row)| row.text(MEMBER)).collect();
                return Ok(json!({ field: ids }));
            }
            Change::Add(source) => {
                let ids = ids(source, call);
                self.add_members(action, name, &owner, &ids)?;
            }
            Change::Remove(source) => {
                for id in ids(source, call) {
                    let mut selection = owner.clone();
                    selection.push((MEMBER.to_owned(), id));
                    let row = self.find(name, &selection)?.clone();
                    self.table(name).extract(|other| *other == row);
                }
            }
            Change::Set(field) => {
                let ids = ids(&Source::Body(field.clone()), call);
                ids.iter()
                    .try_for_each(|id| self.member(action, id).map(drop))?;
                self.table(name).extract(|row| row.is(&owner));
                self.add_members(action, name, &owner, &ids)?;
            }
            Change::Clear => drop(self.table(name).extract(|row| row.is(&owner))),
        }
        Ok(json!({}))
    }

    fn member(&self, action: &Action, id: &str) -> Result<&Row, Status> {
        self.find(&action.kind, &[("id".to_owned(), id.to_owned())])
    }

    /// Adds members. Who is one already stays one.
    fn add_members(
        &mut self,
        action: &Action,
        name: &str,
        owner: &[(String, String)],
        ids: &[String],
    ) -> Result<(), Status> {
        for id in ids {
            self.member(action, id)?;
        }
        for id in ids {
            let mut row = Row::default();
            for (part, value) in owner {
                row.set(part, value.as_str());
            }
            row.set(MEMBER, id.as_str());
            let key = owner.iter().map(|(_, value)| value).chain([id]);
            let key: Vec<_> = key.map(String::as_str).collect();
            self.table(name).put(&key, row)?;
        }
        Ok(())
    }
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
