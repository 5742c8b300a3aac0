//! What the paths and responses of all operations say together: which kinds of objects there are, what
//! identifies one, and where they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use c1_api_spec::model::{Description, Message, Method, Operation, Safety, Type};
use indexmap::IndexMap;

use super::filter::Filter;
use super::history;
use super::kind::{self, Kind, Link, is_hidden};
use super::members::{self, Members};
use super::messages;
use super::names::{camel, singular, words};
use super::path::Path;
use super::rules;
use super::shape::Shape;

/// An operation with what its path and response say.
pub(super) struct Surveyed<'a> {
    pub(super) operation: &'a Operation,
    pub(super) path: Path,
    pub(super) template: String,
    pub(super) list: Option<Shape>,
    pub(super) singles: Vec<Shape>,
    /// All objects and lists of objects in the response.
    pub(super) all: Vec<Shape>,
}

impl Surveyed<'_> {
    pub(super) fn deletes(&self) -> bool {
        self.operation.method == Method::Delete || self.path.verb.as_deref() == Some("delete")
    }

    pub(super) fn writes(&self) -> bool {
        self.operation.safety != Safety::Safe && self.operation.method != Method::Delete
    }

    /// A verb in the path, or else the first word of the operation's name.
    pub(super) fn verb(&self) -> &str {
        let name = self.operation.name.split('_').next().unwrap_or_default();
        self.path.verb.as_deref().unwrap_or(name)
    }

    pub(super) fn creates(&self) -> bool {
        matches!(self.verb(), "create" | "add" | "register")
    }
}

pub(super) struct Survey<'a> {
    pub(super) description: &'a Description,
    pub(super) operations: Vec<Surveyed<'a>>,
    pub(super) kinds: IndexMap<String, Kind>,
    /// The kind of the lists and creations at each path of a collection.
    pub(super) collections: BTreeMap<String, String>,
    /// The kind of the object at each path of an item.
    pub(super) items: BTreeMap<String, String>,
    /// The kind of the object at each path of a singleton, and whether it can be deleted.
    pub(super) singletons: BTreeMap<String, (String, bool)>,
    /// The collections of each kind in which objects are created.
    pub(super) created: BTreeMap<String, Vec<String>>,
    /// The objects that belong to another one, by the path of their list.
    pub(super) members: BTreeMap<String, Arc<Members>>,
}

impl<'a> Survey<'a> {
    pub(super) fn new(description: &'a Description) -> Self {
        let operations = description.operations.iter().map(|operation| {
            let path = Path::new(&operation.path);
            Surveyed {
                operation,
                template: path.template(),
                path,
                list: Shape::list(description, operation),
                singles: Shape::singles(description, operation),
                all: Shape::all(description, operation),
            }
        });
        let mut survey = Self {
            description,
            operations: operations.collect(),
            kinds: IndexMap::new(),
            collections: BTreeMap::new(),
            items: BTreeMap::new(),
            singletons: BTreeMap::new(),
            created: BTreeMap::new(),
            members: BTreeMap::new(),
        };
        survey.find_kinds();
        survey
    }

    fn find_kinds(&mut self) {
        self.find_collections();
        self.find_items();
        self.find_singletons();
        self.find_keys_in_bodies();
        self.find_batches();
        self.find_listed();
        self.find_created();
        self.drop_unreachable();
        self.add_kinds();
        self.find_links();
        self.members = members::find(self);
        for members in self.members.values() {
            if let Some(kind) = members.kind() {
                self.kinds.insert(members.name.clone(), kind);
            }
        }
        history::find(self.description, &mut self.kinds);
    }

    fn find_collections(&mut self) {
        for one in &self.operations {
            if let Some(list) = &one.list
                && !one.path.is_item()
                && one.operation.method == Method::Get
            {
                self.collections
                    .insert(one.template.clone(), list.kind.clone());
            }
        }
        // A collection that only creates, whose items are read one by one. What returns the object that its
        // path leads through is an action on that.
        for one in &self.operations {
            if let ([single], false, true) =
                (one.singles.as_slice(), one.path.is_item(), one.creates())
                && one.operation.method == Method::Post
                && !self.returns_parent(one, &single.kind)
            {
                let template = one.template.clone();
                self.collections
                    .entry(template)
                    .or_insert_with(|| single.kind.clone());
            }
        }
    }

    /// Whether the path leads through an object of the kind.
    pub(super) fn returns_parent(&self, one: &Surveyed<'_>, kind: &str) -> bool {
        let Some(parent) = one.path.parents().pop() else {
            return false;
        };
        let parent = parent.template();
        let mut reads = self
            .operations
            .iter()
            .filter(|other| other.template == parent && other.operation.method == Method::Get);
        reads.any(|other| other.singles.iter().any(|shape| shape.kind == kind))
    }

    /// The one object in the response, or among several that of the kind.
    pub(super) fn single<'s>(one: &'s Surveyed<'_>, kind: Option<&String>) -> Option<&'s Shape> {
        let of_kind = one.singles.iter().find(|shape| Some(&shape.kind) == kind);
        of_kind.or(match one.singles.as_slice() {
            [single] => Some(single),
            _ => None,
        })
    }

    fn find_items(&mut self) {
        let mut found = Vec::new();
        for one in self.operations.iter().filter(|one| one.path.is_item()) {
            let collection = self.collections.get(&one.path.collection().template());
            let reads = one.operation.method == Method::Get && one.list.is_none();
            let kind = match (reads, Self::single(one, collection)) {
                (true, Some(single)) => Some(&single.kind),
                (true, None) => None,
                // Nothing reads it by itself, but something creates it there, or lists it.
                (false, Some(single)) if one.creates() => Some(&single.kind),
                (false, _) => collection,
            };
            if let Some(kind) = kind {
                let listed = collection == Some(kind);
                found.push((
                    !reads,
                    !listed,
                    one.template.clone(),
                    kind.clone(),
                    &one.path,
                ));
            }
        }
        // Keys are those of the paths which also have a list.
        found.sort_by(|one, other| {
            (one.0, one.1, one.2.len()).cmp(&(other.0, other.1, other.2.len()))
        });
        for (_, _, template, kind, path) in found {
            let parts = kind::parts(self.description, &kind, path);
            self.items.entry(template).or_insert_with(|| kind.clone());
            learn(
                &mut self.kinds,
                &kind,
                parts.into_iter().map(|(_, part)| part).collect(),
            );
        }
    }

    fn find_singletons(&mut self) {
        let mut found = Vec::new();
        for one in &self.operations {
            let reads = one.operation.method == Method::Get && one.list.is_none();
            // With a list beside it, it is more than one object.
            let ([single], true, false) = (one.singles.as_slice(), reads, one.path.is_item())
            else {
                continue;
            };
            if !one.operation.query_parameters.is_empty()
                || one.all.len() > 1
                || self.kinds.contains_key(&single.kind)
            {
                continue;
            }
            let same = self
                .operations
                .iter()
                .filter(|other| other.template == one.template);
            let (mut written, mut deleted) = (false, false);
            for other in same {
                let of_kind = other.singles.iter().any(|shape| shape.kind == single.kind);
                written |= other.writes() && of_kind;
                deleted |= other.operation.method == Method::Delete;
            }
            if written {
                found.push((
                    one.template.clone(),
                    single.kind.clone(),
                    deleted,
                    &one.path,
                ));
            }
        }
        for (template, kind, deleted, path) in found {
            let parts = kind::parts(self.description, &kind, path);
            self.singletons.insert(template, (kind.clone(), deleted));
            learn(
                &mut self.kinds,
                &kind,
                parts.into_iter().map(|(_, part)| part).collect(),
            );
        }
    }

    /// Objects that no path identifies, but the body or the query of an operation on their collection.
    fn find_keys_in_bodies(&mut self) {
        let mut found = Vec::new();
        for one in self.operations.iter().filter(|one| !one.path.is_item()) {
            let Some(kind) = self.collections.get(&one.template) else {
                continue;
            };
            let gets = one.operation.safety == Safety::Safe && one.list.is_none();
            let changes = one.deletes() || one.path.verb.as_deref() == Some("update");
            let of_kind = one.singles.iter().any(|shape| shape.kind == *kind);
            let given = self.given(one, kind);
            if (gets && of_kind || changes) && !given.is_empty() {
                let path = kind::parts(self.description, kind, &one.path).into_iter();
                let key = path.map(|(_, part)| part).chain(given);
                found.push((!gets, !one.deletes(), kind.clone(), key.collect()));
            }
        }
        // What the body of an update gives is not all key.
        found.sort_by_key(|one| (one.0, one.1));
        for (_, _, kind, key) in found {
            learn(&mut self.kinds, &kind, key);
        }
    }

    /// Objects that are created and deleted many at once, by a list of ids in the body.
    fn find_batches(&mut self) {
        let mut found = Vec::new();
        for one in &self.operations {
            if let Some((kind, _, part)) = self.batch(one) {
                let path = kind::parts(self.description, &kind, &one.path).into_iter();
                let key = path.map(|(_, part)| part).chain([part]);
                found.push((kind, key.collect()));
            }
        }
        for (kind, key) in found {
            learn(&mut self.kinds, &kind, key);
        }
    }

    /// The kind of objects that the operation creates or deletes many of, the field of the body with
    /// their ids, and the part that an id gives.
    pub(super) fn batch(&self, one: &Surveyed<'_>) -> Option<(String, String, String)> {
        let kind = self.collections.get(&one.template)?;
        let message = self.description.message(kind)?;
        let body = messages::request(self.description, one.operation)?;
        let ids = Type::List(Type::String.into());
        let mut fields = body.fields.iter().filter(|(_, field)| field.ty == ids);
        let ((name, _), None) = (fields.next()?, fields.next()) else {
            return None;
        };
        let part = singular(name);
        let known = message
            .fields
            .get(&part)
            .is_some_and(|field| field.ty == Type::String);
        let writes = one.operation.safety != Safety::Safe && !one.path.is_item();
        let creates = one
            .all
            .iter()
            .any(|shape| shape.many && shape.kind == *kind);
        (known && writes && (creates || one.deletes())).then(|| (kind.clone(), name.clone(), part))
    }

    /// Objects that are listed page by page or created in the list, and have an id that no operation takes.
    fn find_listed(&mut self) {
        let mut found = Vec::new();
        for one in &self.operations {
            let Some(kind) = one.list.as_ref().map(|list| &list.kind) else {
                continue;
            };
            let mut same = self
                .operations
                .iter()
                .filter(|other| other.template == one.template);
            let created = same.any(|other| {
                other.operation.method == Method::Post
                    && other.singles.iter().any(|shape| shape.kind == *kind)
            });
            let path = kind::parts_of_list(self.description, kind, &one.path);
            if self.kinds.contains_key(kind)
                || one.operation.page.is_none() && !created
                || path.iter().any(|(_, part)| is_hidden(part))
            {
                continue;
            }
            let filters = Filter::all(self.description, &self.kinds, kind, one.operation);
            if filters.iter().all(|(_, filter)| *filter != Filter::Unknown) {
                found.extend(self.id(kind).map(|id| (kind.clone(), id)));
            }
        }
        for (kind, id) in found {
            learn(&mut self.kinds, &kind, vec![id]);
        }
    }

    /// The field with the id of objects of the kind: `id`, or `eventId` of an `AuditEvent`.
    fn id(&self, kind: &str) -> Option<String> {
        let message = self.description.message(kind)?;
        let last = words(kind).pop().unwrap_or_default();
        let ids = ["id".to_owned(), camel(&[last.as_str(), "id"])].into_iter();
        let mut ids = ids.filter(|id| {
            let field = message.fields.get(id);
            field.is_some_and(|field| field.ty == Type::String)
        });
        ids.next()
    }

    fn find_created(&mut self) {
        for one in &self.operations {
            if let Some(kind) = self.collections.get(&one.template)
                && one.operation.method == Method::Post
                && one.writes()
                && Self::single(one, Some(kind)).is_some_and(|shape| shape.kind == *kind)
            {
                let created = self.created.entry(kind.clone()).or_default();
                if !created.contains(&one.template) {
                    created.push(one.template.clone());
                }
            }
        }
    }

    /// Drops the kinds whose objects neither an operation creates nor a test can, because only a path tells
    /// what identifies them.
    fn drop_unreachable(&mut self) {
        let (created, operations) = (&self.created, &self.operations);
        self.kinds.retain(|kind, facts| {
            let told = |part: &String| !is_hidden(part) || part.contains('.');
            let put = |one: &Surveyed<'_>| {
                one.writes() && one.singles.iter().any(|shape| shape.kind == *kind)
            };
            facts.key.iter().all(told) || created.contains_key(kind) || operations.iter().any(put)
        });
        let kinds = &self.kinds;
        self.items.retain(|_, kind| kinds.contains_key(kind));
        self.collections.retain(|_, kind| kinds.contains_key(kind));
        self.singletons
            .retain(|_, (kind, _)| kinds.contains_key(kind));
    }

    /// Adds the kinds that a rule identifies, as far as the description has them.
    fn add_kinds(&mut self) {
        for (kind, key) in rules::kinds() {
            let has = |message: &Message| {
                let mut fields = key.iter().filter(|part| !is_hidden(part));
                fields.all(|field| message.fields.contains_key(*field))
            };
            if self.description.message(kind).is_some_and(has) {
                let key = key.iter().map(|part| (*part).to_owned()).collect();
                learn(&mut self.kinds, kind, key);
            }
        }
    }

    fn find_links(&mut self) {
        let mut links = Vec::new();
        for (name, facts) in &self.kinds {
            let Some(message) = self.description.message(name) else {
                continue;
            };
            let embeds = message
                .fields
                .iter()
                .filter_map(|(field, facts)| match &facts.ty {
                    Type::Ref(kind) if self.kinds.contains_key(kind) => {
                        Some((field.clone(), kind.clone()))
                    }
                    _ => None,
                });
            let embeds: Vec<_> = embeds
                .filter(|(field, _)| {
                    let start = kind::embedded(field, "");
                    facts.key.iter().any(|part| part.starts_with(&start))
                })
                .collect();
            let mut owners: Vec<_> = embeds
                .iter()
                .map(|(field, kind)| Link {
                    kind: kind.clone(),
                    parts: self.kinds[kind]
                        .key
                        .iter()
                        .map(|part| (part.clone(), kind::embedded(field, part)))
                        .collect(),
                })
                .collect();
            for (at, part) in facts.key.iter().enumerate() {
                let mut stem = words(part);
                if is_hidden(part) || stem.pop().as_deref() != Some("id") {
                    continue;
                }
                let parent = at.checked_sub(1).and_then(|at| facts.key.get(at));
                let link = parent
                    .and_then(|parent| kind::link_of_both(&self.kinds, parent, part))
                    .or_else(|| kind::link(&self.kinds, message, &stem));
                owners.extend(link.filter(|link| link.kind != *name));
            }
            let known = |link: &Link| self.kinds.contains_key(&link.kind);
            owners.extend(rules::owners(name).filter(known));
            links.push((name.clone(), embeds, owners));
        }
        for (name, embeds, owners) in links {
            if let Some(kind) = self.kinds.get_mut(&name) {
                kind.embeds = embeds;
                kind.owners = owners;
            }
        }
    }

    /// The fields of the query and the body that are also parts of the kind.
    pub(super) fn given(&self, one: &Surveyed<'_>, kind: &str) -> Vec<String> {
        let Some(message) = self.description.message(kind) else {
            return Vec::new();
        };
        let query = one.operation.query_parameters.iter();
        let query = query.map(|parameter| (camel(&words(&parameter.name)), &parameter.ty));
        let body = messages::request(self.description, one.operation);
        let body = body.into_iter().flat_map(|body| &body.fields);
        let body = body.map(|(name, field)| (name.clone(), &field.ty));
        let same = query.chain(body).filter(|(name, ty)| {
            let field = message.fields.get(name);
            field.is_some_and(|field| field.ty == **ty && kind::is_scalar(self.description, ty))
        });
        same.map(|(name, _)| name).collect()
    }

    /// Whether the body says what the object is to be.
    pub(super) fn describes(&self, one: &Surveyed<'_>, kind: &str) -> bool {
        let body = messages::request(self.description, one.operation);
        let (Some(body), Some(message)) = (body, self.description.message(kind)) else {
            return false;
        };
        body.fields.iter().any(|(name, field)| {
            let same = message
                .fields
                .get(name)
                .is_some_and(|known| known.ty == field.ty);
            same || field.ty.reference().is_some_and(|ty| ty == kind)
        })
    }
}

/// Adds a kind, unless it is known.
fn learn(kinds: &mut IndexMap<String, Kind>, kind: &str, key: Vec<String>) {
    let new = || Kind::new(kind, key);
    kinds.entry(kind.to_owned()).or_insert_with(new);
}
