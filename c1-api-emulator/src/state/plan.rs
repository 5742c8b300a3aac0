//! What each operation does to the state, told from the description alone.
//!
//! The conventions: a GET of a path that ends with a parameter returns one object, which that path
//! identifies, and with it the kind of the objects of the collection. On the collection, GET lists and
//! POST creates; on the item, POST, PUT and PATCH update, and DELETE deletes. A verb may follow the path,
//! and the body may take the place of parameters. A POST that only reads and returns a list searches.
//! A path without an item of its own, that is read and written, is a singleton.

use std::collections::BTreeMap;
use std::sync::Arc;

use c1_api_spec::model::{Description, Method, Safety, Type};
use indexmap::IndexMap;

use super::by_hand;
use super::filter::Filter;
use super::history;
use super::kind::{self, Kind, Link, is_hidden};
use super::members::{Change, Members};
use super::messages;
use super::names::{camel, words};
use super::path::Path;
use super::shape::Shape;
use super::survey::{Survey, Surveyed};

/// Why an operation has no state that changes or computes something by rules of its own.
const ACTION: &str = "it is an action";

/// Why an operation has no state whose objects are of no kind that is known.
const UNKNOWN: &str = "nothing identifies its objects";

/// The kinds of objects, and what the operations do with them.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) kinds: IndexMap<String, Kind>,
    operations: IndexMap<String, Result<Action, &'static str>>,
    /// The operations that are written by hand.
    by_hand: BTreeMap<String, by_hand::Handler>,
}

/// What an operation does.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) kind: String,
    pub(super) verb: Verb,
    /// Each parameter of the path, and the part of the object that it gives.
    pub(super) path: Vec<(String, String)>,
    /// The parts of the object that the query or the body gives in fields of the same name.
    pub(super) given: Vec<String>,
    /// The objects that the path leads through: their kinds, and the parts that the parameters give.
    pub(super) parents: Vec<(String, Vec<(String, String)>)>,
    /// The collection of the objects, if there are several of one kind.
    pub(super) collection: Option<String>,
    pub(super) shape: Option<Shape>,
}

#[derive(Debug)]
pub(super) enum Verb {
    Get,
    List(Vec<(String, Filter)>),
    Create,
    Update,
    /// Creates or updates.
    Put,
    Delete,
    /// Creates or deletes an object for each id in a list of the body: the field, and the part it gives.
    CreateEach(String, String),
    DeleteEach(String, String),
    /// Lists or changes which objects belong to another one.
    Members(Arc<Members>, Change),
    /// Replaces all objects with the given parts by those of the lists in the body: the field, the kind,
    /// and each field of the list's elements with the part that it gives.
    Replace(Vec<Replacement>),
    /// Reads the object that is always there.
    GetSingle,
    /// Updates the object that is always there.
    UpdateSingle,
}

/// A list in the body that replaces objects.
#[derive(Debug)]
pub(super) struct Replacement {
    pub(super) field: String,
    pub(super) kind: String,
    pub(super) path: Vec<(String, String)>,
    pub(super) given: Vec<String>,
    /// Each field of an element, and the part that it gives.
    pub(super) element: Vec<(String, String)>,
}

impl Plan {
    pub(crate) fn new(description: &Description) -> Self {
        let survey = Survey::new(description);
        let operations = survey.operations.iter().map(|one| {
            let id = one.operation.id();
            (id, survey.action(one))
        });
        let operations = operations.collect();
        let by_hand = survey.operations.iter().map(|one| one.operation);
        let by_hand = by_hand.filter_map(|operation| {
            let known = |kind: &&str| survey.kinds.contains_key(*kind);
            let (handler, needed) = by_hand::handler(operation)?;
            needed.iter().all(known).then(|| (operation.id(), handler))
        });
        let by_hand = by_hand.collect();
        let mut plan = Self {
            kinds: survey.kinds,
            operations,
            by_hand,
        };
        plan.link_paths();
        plan
    }

    /// An object belongs to those that its path leads through.
    fn link_paths(&mut self) {
        for action in self.operations.values().flatten() {
            let Some(facts) = self.kinds.get(&action.kind) else {
                continue;
            };
            if matches!(action.verb, Verb::Members(..)) {
                continue;
            }
            let mut links = Vec::new();
            let parents = action.parents.iter();
            for (parent, parts) in parents.filter(|(parent, _)| *parent != action.kind) {
                let of_parameter = |name: &String| {
                    let (_, own) = action.path.iter().find(|(known, _)| known == name)?;
                    facts.key.contains(own).then(|| own.clone())
                };
                let parts = parts
                    .iter()
                    .map(|(name, part)| Some((part.clone(), of_parameter(name)?)));
                let parts: Option<Vec<_>> = parts.collect();
                links.extend(parts.map(|parts| Link {
                    kind: parent.clone(),
                    parts,
                }));
            }
            if let Some(facts) = self.kinds.get_mut(&action.kind) {
                for link in links {
                    if !facts.owners.contains(&link) {
                        facts.owners.push(link);
                    }
                }
            }
        }
    }

    /// What the operation does; `None` if it has no state.
    pub(super) fn action(&self, id: &str) -> Option<&Action> {
        self.operations.get(id)?.as_ref().ok()
    }

    /// The members of all kinds of objects, some of them several times.
    pub(super) fn members(&self) -> impl Iterator<Item = &Members> {
        let actions = self.operations.values().flatten();
        actions.filter_map(|action| match &action.verb {
            Verb::Members(members, _) => Some(&**members),
            _ => None,
        })
    }

    /// What executes the operation, if it is written by hand and the description has the objects for it.
    pub(super) fn handler(&self, id: &str) -> Option<by_hand::Handler> {
        self.by_hand.get(id).copied()
    }

    /// Whether the operation has state.
    pub(crate) fn has_state(&self, id: &str) -> bool {
        self.by_hand.contains_key(id) || self.action(id).is_some()
    }

    /// Why the operation has no state.
    pub(crate) fn reason(&self, id: &str) -> Option<&'static str> {
        let reason = self.operations.get(id)?.as_ref().err().copied();
        reason.filter(|_| !self.by_hand.contains_key(id))
    }
}

impl Survey<'_> {
    fn action(&self, one: &Surveyed<'_>) -> Result<Action, &'static str> {
        if let Some(action) = self.members_action(one) {
            return Ok(action);
        }
        if one.operation.response.payload.is_some() && one.operation.response.schema().is_none() {
            return Err("its response is not a message");
        }
        let (kind, verb) = self.verb(one)?;
        let facts = self.kinds.get(&kind).ok_or(UNKNOWN)?;
        let ahead = one
            .path
            .parents()
            .pop()
            .filter(|_| matches!(verb, Verb::Update) && !one.path.is_item());
        let ahead = ahead.filter(|ahead| self.items.get(&ahead.template()) == Some(&kind));
        let parts = if matches!(verb, Verb::List(_)) {
            kind::parts_of_list
        } else {
            kind::parts
        };
        let path = parts(self.description, &kind, ahead.as_ref().unwrap_or(&one.path));
        let is_kept = |part: &String| {
            facts.key.contains(part) || history::keeps(self.description, &self.kinds, &kind, part)
        };
        let unknown = path
            .iter()
            .any(|(_, part)| is_hidden(part) && !is_kept(part));
        if unknown && !matches!(verb, Verb::Create) {
            return Err("its path selects by what the object does not tell");
        }
        let given = match &verb {
            Verb::List(_) | Verb::Replace(_) | Verb::CreateEach(..) | Verb::DeleteEach(..) => {
                Vec::new()
            }
            _ => {
                let given = self.given(one, &kind).into_iter();
                given.filter(|part| facts.key.contains(part)).collect()
            }
        };
        let identified = path.iter().map(|(_, part)| part).chain(&given);
        let identified: Vec<_> = identified.collect();
        let needs_key = matches!(verb, Verb::Get | Verb::Update | Verb::Delete | Verb::Put);
        let nested = self.nested(one, &kind);
        let single = self.singletons.contains_key(&one.template);
        if needs_key
            && nested.is_none()
            && !single
            && (identified.is_empty()
                || !one.path.is_item()
                    && ahead.is_none()
                    && !facts.key.iter().all(|part| identified.contains(&part)))
        {
            return Err("nothing in it identifies one object");
        }
        let shape = match &verb {
            Verb::List(_) => one.list.clone(),
            Verb::CreateEach(..) => one.all.iter().find(|shape| shape.kind == kind).cloned(),
            _ => Self::single(one, Some(&kind))
                .filter(|shape| shape.kind == kind)
                .cloned(),
        };
        let parents = self.parents(&one.path);
        Ok(Action {
            collection: self.collection(one, &kind),
            kind,
            verb,
            path,
            given,
            parents,
            shape,
        })
    }

    /// The objects that the path leads through.
    pub(super) fn parents(&self, path: &Path) -> Vec<(String, Vec<(String, String)>)> {
        let parents = path.parents().into_iter().filter_map(|parent| {
            let kind = self.items.get(&parent.template())?;
            Some((kind.clone(), kind::parts(self.description, kind, &parent)))
        });
        parents.collect()
    }

    /// The field of the body with the object, which then may identify it.
    fn nested(&self, one: &Surveyed<'_>, kind: &str) -> Option<String> {
        let body = messages::request(self.description, one.operation)?;
        let mut fields = body.fields.iter();
        let found = fields.find(|(_, field)| field.ty == Type::Ref(kind.to_owned()));
        found.map(|(name, _)| name.clone())
    }

    /// The collection that the operation works on, if the kind has several in which objects are created.
    fn collection(&self, one: &Surveyed<'_>, kind: &str) -> Option<String> {
        let created = self.created.get(kind).filter(|created| created.len() > 1)?;
        let template = if one.path.is_item() {
            one.path.collection().template()
        } else {
            one.template.clone()
        };
        created.contains(&template).then_some(template)
    }

    fn verb(&self, one: &Surveyed<'_>) -> Result<(String, Verb), &'static str> {
        let known = |kind: &String| {
            let known = self.kinds.contains_key(kind);
            known.then(|| kind.clone()).ok_or(UNKNOWN)
        };
        let item = self.items.get(&one.template);
        let collection = self.collections.get(&one.template);
        if let Some((kind, optional)) = self.singletons.get(&one.template) {
            let of_kind = one.singles.iter().any(|shape| shape.kind == *kind);
            return match (one.operation.method, optional) {
                (Method::Delete, _) => Ok((kind.clone(), Verb::Delete)),
                (Method::Get, true) => Ok((kind.clone(), Verb::Get)),
                (Method::Get, false) => Ok((kind.clone(), Verb::GetSingle)),
                (_, true) if of_kind => Ok((kind.clone(), Verb::Put)),
                (_, false) if of_kind => Ok((kind.clone(), Verb::UpdateSingle)),
                _ => Err(ACTION),
            };
        }
        if let Some(list) = &one.list {
            let kind = known(&list.kind)?;
            let filters = Filter::all(self.description, &self.kinds, &kind, one.operation);
            return Ok((kind, Verb::List(filters)));
        }
        if one.operation.safety == Safety::Safe {
            let single = Self::single(one, item.or(collection));
            let kind = known(&single.ok_or("it computes what it returns")?.kind)?;
            return Ok((kind, Verb::Get));
        }
        if let Some((kind, field, part)) = self.batch(one)
            && self
                .kinds
                .get(&kind)
                .is_some_and(|facts| facts.key.contains(&part))
        {
            let verb = if one.deletes() {
                Verb::DeleteEach
            } else {
                Verb::CreateEach
            };
            return Ok((kind, verb(field, part)));
        }
        if one.deletes() {
            let kind = item
                .or(collection)
                .or_else(|| self.namesake(one))
                .ok_or(ACTION)?;
            return Ok((known(kind)?, Verb::Delete));
        }
        if let Some(kind) = item {
            let kind = known(kind)?;
            if matches!(one.verb(), "delete" | "remove" | "revoke") && one.all.is_empty() {
                return Ok((kind, Verb::Delete));
            }
            let elsewhere = self.created.contains_key(&kind);
            if one.creates() || one.operation.method == Method::Put && !elsewhere {
                let of_kind = one.singles.iter().any(|shape| shape.kind == kind);
                let verb = if one.creates() && one.operation.method == Method::Post {
                    Verb::Create
                } else {
                    Verb::Put
                };
                return if of_kind {
                    Ok((kind, verb))
                } else {
                    Err(ACTION)
                };
            }
            let describes = self.describes(one, &kind);
            return describes.then_some((kind, Verb::Update)).ok_or(ACTION);
        }
        if one.path.verb.as_deref() == Some("update") {
            let kind = known(collection.ok_or(ACTION)?)?;
            let describes = self.describes(one, &kind);
            return describes.then_some((kind, Verb::Update)).ok_or(ACTION);
        }
        let ahead = one
            .path
            .parents()
            .pop()
            .and_then(|ahead| self.items.get(&ahead.template()));
        if let Some(kind) = ahead
            && one.verb() == "update"
            && self.nested(one, kind).is_some()
        {
            return Ok((known(kind)?, Verb::Update));
        }
        if let Some(single) = Self::single(one, collection) {
            let creates = collection == Some(&single.kind)
                || one.creates() && !self.returns_parent(one, &single.kind);
            if creates && one.operation.method == Method::Post {
                return Ok((known(&single.kind)?, Verb::Create));
            }
        }
        self.replaces(one).ok_or(ACTION)
    }

    /// The kind of the collection with the same name in the same group, for an item that is deleted by
    /// another path.
    fn namesake(&self, one: &Surveyed<'_>) -> Option<&String> {
        let same = self.operations.iter().filter(|other| {
            one.path.is_item()
                && other.operation.group == one.operation.group
                && other.path.name() == one.path.name()
        });
        let mut kinds = same.filter_map(|other| self.collections.get(&other.template));
        kinds.next()
    }

    /// A PUT whose body has lists of references, to replace the objects in the collections below.
    fn replaces(&self, one: &Surveyed<'_>) -> Option<(String, Verb)> {
        if one.operation.method != Method::Put || !one.singles.is_empty() {
            return None;
        }
        let body = messages::request(self.description, one.operation)?;
        let mut replacements = Vec::new();
        for (field, facts) in &body.fields {
            let Type::List(element) = &facts.ty else {
                continue;
            };
            let message = self.description.message(element.reference()?)?;
            let mut stem = words(field);
            stem.pop().filter(|last| last == "refs")?;
            let stem = camel(&stem);
            let below = format!("{}/", one.template);
            let mut below = self
                .collections
                .iter()
                .filter(|(path, _)| path.starts_with(&below));
            let (_, kind) = below.find(|(_, kind)| {
                let facts = self.kinds.get(*kind);
                facts.is_some_and(|facts| facts.embeds.iter().any(|(field, _)| *field == stem))
            })?;
            let element = message
                .fields
                .keys()
                .map(|name| (name.clone(), kind::embedded(&stem, name)));
            replacements.push(Replacement {
                field: field.clone(),
                path: kind::parts(self.description, kind, &one.path),
                given: self.given(one, kind),
                kind: kind.clone(),
                element: element.collect(),
            });
        }
        let kind = replacements.first()?.kind.clone();
        Some((kind, Verb::Replace(replacements)))
    }
}
