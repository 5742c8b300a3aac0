//! Compares two descriptions as documents: what was added, removed and changed on the wire and in what is said of it.
//!
//! What that means in Rust is not decided here.

use std::collections::{BTreeMap, BTreeSet};

use c1_api_spec::model::{
    Field, Message, Operation, Page, PageToken, Parameter, Payload, Safety, Schema, SchemaKind,
    Stability, Success, Type,
};
use c1_api_spec::select::{closure, wanted_roots};
use c1_api_spec::{CORE, Description, Note};

use super::change::{Change, Kind, Subject, What};
use super::pairs::Pairs;

/// Everything in which the new description differs from the old one.
pub(crate) fn compare(old: &Description, new: &Description, pairs: &Pairs) -> Vec<Change> {
    let mut comparison = Comparison {
        old,
        new,
        pairs,
        changes: Vec::new(),
    };
    comparison.document();
    comparison.groups();
    comparison.operations();
    comparison.schemas();
    comparison.features();
    comparison.changes
}

struct Comparison<'a> {
    old: &'a Description,
    new: &'a Description,
    pairs: &'a Pairs,
    changes: Vec<Change>,
}

impl Comparison<'_> {
    fn push(&mut self, subject: &Subject, what: What, from: Option<String>, to: Option<String>) {
        self.changes.push(Change {
            from,
            to,
            ..Change::new(subject.clone(), what)
        });
    }

    /// A fact that has a value on both sides.
    fn value<T: PartialEq>(
        &mut self,
        subject: &Subject,
        what: What,
        (old, new): (&T, &T),
        show: impl Fn(&T) -> String,
    ) {
        if old != new {
            self.push(subject, what, Some(show(old)), Some(show(new)));
        }
    }

    /// A fact that may be absent.
    fn optional<T: PartialEq + ?Sized>(
        &mut self,
        subject: &Subject,
        what: What,
        (old, new): (Option<&T>, Option<&T>),
        show: impl Fn(&T) -> String,
    ) {
        if old != new {
            self.push(subject, what, old.map(&show), new.map(&show));
        }
    }

    /// A name that says whether something is so.
    fn flag(&mut self, subject: &Subject, what: What, flags: (bool, bool)) {
        let yes = |flag: &bool| if *flag { "yes" } else { "no" }.to_owned();
        self.value(subject, what, (&flags.0, &flags.1), yes);
    }

    fn added(&mut self, subject: &Subject, to: impl Into<String>) {
        self.push(subject, What::Added, None, Some(to.into()));
    }

    fn removed(&mut self, subject: &Subject, from: impl Into<String>) {
        self.push(subject, What::Removed, Some(from.into()), None);
    }

    /// Notes a difference for which no change from that length of the list on stands, so that nothing is dropped silently.
    fn otherwise(&mut self, subject: &Subject, since: usize, differs: bool) {
        if differs && self.changes.len() == since {
            self.push(subject, What::Other, None, None);
        }
    }

    fn document(&mut self) {
        let (old, new) = (self.old, self.new);
        let facts = [
            ("version", &old.version, &new.version),
            ("server", &old.server.url, &new.server.url),
            (
                "token endpoint",
                &old.server.token_url,
                &new.server.token_url,
            ),
        ];
        for (name, old, new) in facts {
            let subject = Subject::new(Kind::Document, name);
            self.value(&subject, What::Retyped, (old, new), Clone::clone);
        }
        let subject = Subject::new(Kind::Document, "server variables");
        let differs = old.server.variables != new.server.variables;
        self.otherwise(&subject, self.changes.len(), differs);
        let note = |note: &Note| {
            (
                note.pointer.clone(),
                format!("{}: {}", note.found, note.carried),
            )
        };
        let old: BTreeMap<_, _> = old.notes.iter().map(note).collect();
        let new: BTreeMap<_, _> = new.notes.iter().map(note).collect();
        for pointer in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let subject = Subject::new(Kind::Note, pointer);
            match (old.get(pointer), new.get(pointer)) {
                (Some(old), None) => self.removed(&subject, old),
                (None, Some(new)) => self.added(&subject, new),
                (Some(old), Some(new)) => {
                    self.value(&subject, What::Retyped, (old, new), Clone::clone);
                }
                (None, None) => {}
            }
        }
    }

    fn groups(&mut self) {
        let (old, new) = (self.old.groups(), self.new.groups());
        let number = |description: &Description, group: &str| {
            let operations = description.operations.iter();
            let number = operations
                .filter(|operation| operation.group == group)
                .count();
            let core = if CORE.contains(&group) {
                ", part of core"
            } else {
                ""
            };
            format!("{}{core}", plural(number, "operation"))
        };
        for group in old.difference(&new) {
            self.removed(&Subject::new(Kind::Group, group), number(self.old, group));
        }
        for group in new.difference(&old) {
            self.added(&Subject::new(Kind::Group, group), number(self.new, group));
        }
    }

    fn operations(&mut self) {
        for old in &self.old.operations {
            let subject = Subject::new(Kind::Operation, &old.id());
            match self.pairs.operation(&old.id()) {
                Some(id) => {
                    if let Some(new) = self.new.operation(id) {
                        self.operation(&subject, old, new);
                    }
                }
                None => self.removed(&subject, call(old)),
            }
        }
        for new in &self.new.operations {
            let id = new.id();
            if self.pairs.is_new_operation(&id) {
                self.added(&Subject::new(Kind::Operation, &id), call(new));
            }
        }
    }

    fn operation(&mut self, subject: &Subject, old: &Operation, new: &Operation) {
        let since = self.changes.len();
        self.value(subject, What::Renamed, (&old.id(), &new.id()), Clone::clone);
        self.value(subject, What::Moved, (&call(old), &call(new)), Clone::clone);
        // With the schemas by their new names.
        let mut before = old.clone();
        for ty in before.types_mut() {
            *ty = self.renamed(ty);
        }
        let old = &before;
        let bodies = (old.body.as_ref(), new.body.as_ref());
        self.optional(subject, What::Body, bodies, payload);
        let responses = (&old.response, &new.response);
        self.value(subject, What::Response, responses, success);
        self.optional(
            subject,
            What::Paged,
            (old.page.as_ref(), new.page.as_ref()),
            page,
        );
        self.value(
            subject,
            What::Safety,
            (&old.safety, &new.safety),
            |safety| safety_name(*safety).to_owned(),
        );
        let stability = (old.stability.as_ref(), new.stability.as_ref());
        self.optional(subject, What::Stability, stability, |level: &Stability| {
            level.as_str().to_owned()
        });
        self.flag(subject, What::Deprecated, (old.deprecated, new.deprecated));
        self.optional(
            subject,
            What::Proto,
            (old.rpc.as_ref(), new.rpc.as_ref()),
            Clone::clone,
        );
        self.doc(subject, old.doc.as_deref(), new.doc.as_deref());

        let id = &subject.name;
        for (place, before, after) in [
            ("the path", &old.path_parameters, &new.path_parameters),
            ("the query", &old.query_parameters, &new.query_parameters),
            ("a header", &old.header_parameters, &new.header_parameters),
        ] {
            self.parameters(id, place, before, after);
        }
        // Compared above, or only another way to name the operation.
        let mut expected = old.clone();
        expected.body.clone_from(&new.body);
        expected.response.clone_from(&new.response);
        expected.path_parameters.clone_from(&new.path_parameters);
        expected.query_parameters.clone_from(&new.query_parameters);
        expected
            .header_parameters
            .clone_from(&new.header_parameters);
        expected.vendor_name.clone_from(&new.vendor_name);
        expected.doc.clone_from(&new.doc);
        self.otherwise(subject, since, expected != *new);
    }

    fn parameters(&mut self, id: &str, place: &str, old: &[Parameter], new: &[Parameter]) {
        let shown = |parameter: &Parameter| {
            // In the path, all are.
            let is_required = parameter.required && place != "the path";
            let required = if is_required { ", required" } else { "" };
            format!("{} in {place}{required}", name(&parameter.ty))
        };
        let find = |list: &[Parameter], name: &str| {
            list.iter()
                .find(|parameter| parameter.name == name)
                .cloned()
        };
        for before in old {
            let subject = Subject::inside(Kind::Parameter, id, &before.name);
            let Some(after) = find(new, &before.name) else {
                self.removed(&subject, shown(before));
                continue;
            };
            let since = self.changes.len();
            self.value(&subject, What::Retyped, (&before.ty, &after.ty), name);
            self.flag(&subject, What::Required, (before.required, after.required));
            let deprecated = (before.deprecated, after.deprecated);
            self.flag(&subject, What::Deprecated, deprecated);
            self.flag(
                &subject,
                What::ReadOnly,
                (before.read_only, after.read_only),
            );
            self.doc(&subject, before.doc.as_deref(), after.doc.as_deref());
            let mut expected = before.clone();
            expected.ty = after.ty.clone();
            expected.doc.clone_from(&after.doc);
            // From whom it comes is for the overlay, which is about to lose it.
            expected.ours = after.ours;
            self.otherwise(&subject, since, expected != after);
        }
        for after in new {
            if find(old, &after.name).is_none() {
                let subject = Subject::inside(Kind::Parameter, id, &after.name);
                self.added(&subject, shown(after));
            }
        }
        let names = |list: &[Parameter], other: &[Parameter]| -> Vec<String> {
            let common = list
                .iter()
                .filter(|parameter| find(other, &parameter.name).is_some());
            common.map(|parameter| parameter.name.clone()).collect()
        };
        // Those in the query are set by name.
        if place == "the path" {
            let subject = Subject::new(Kind::Operation, id);
            let orders = (names(old, new), names(new, old));
            self.value(&subject, What::Order, (&orders.0, &orders.1), |names| {
                names.join(", ")
            });
        }
    }

    fn schemas(&mut self) {
        for (name, old) in &self.old.schemas {
            let subject = Subject::new(Kind::Schema, name);
            match self
                .pairs
                .schema(name)
                .and_then(|new| self.new.schemas.get_key_value(new))
            {
                Some((new_name, new)) => {
                    self.value(&subject, What::Renamed, (name, new_name), Clone::clone);
                    self.schema(&subject, old, new);
                }
                None => self.removed(&subject, kind(old)),
            }
        }
        for (name, new) in &self.new.schemas {
            if self.pairs.is_new_schema(name) {
                self.added(&Subject::new(Kind::Schema, name), kind(new));
            }
        }
    }

    fn schema(&mut self, subject: &Subject, old: &Schema, new: &Schema) {
        let since = self.changes.len();
        self.optional(
            subject,
            What::Proto,
            (old.proto.as_ref(), new.proto.as_ref()),
            Clone::clone,
        );
        self.flag(subject, What::Deprecated, (old.deprecated, new.deprecated));
        self.doc(subject, old.doc.as_deref(), new.doc.as_deref());
        match (&old.kind, &new.kind) {
            (SchemaKind::Message(old), SchemaKind::Message(new)) => {
                self.message(&subject.name, old, new);
            }
            (SchemaKind::Enum(old), SchemaKind::Enum(new)) => {
                self.values(subject, old, new);
            }
            (before, after) if before != after => {
                self.push(subject, What::Retyped, Some(kind(old)), Some(kind(new)));
            }
            _ => {}
        }
        let mut expected = old.clone();
        expected.doc.clone_from(&new.doc);
        if matches!(
            (&old.kind, &new.kind),
            (SchemaKind::Message(_), SchemaKind::Message(_))
        ) {
            expected.kind = new.kind.clone();
        }
        self.otherwise(subject, since, expected != *new);
    }

    fn message(&mut self, of: &str, old: &Message, new: &Message) {
        for (wire, before) in &old.fields {
            let subject = Subject::inside(Kind::Field, of, wire);
            match new.fields.get(wire) {
                Some(after) => {
                    let oneofs = (oneof(old, wire), oneof(new, wire));
                    self.optional(&subject, What::Oneof, oneofs, str::to_owned);
                    self.field(&subject, before, after);
                }
                None => self.removed(&subject, held(before)),
            }
        }
        for (wire, after) in &new.fields {
            if !old.fields.contains_key(wire) {
                self.added(&Subject::inside(Kind::Field, of, wire), held(after));
            }
        }
        for (oneof, members) in &old.oneofs {
            if !new.oneofs.contains_key(oneof) {
                self.removed(&Subject::inside(Kind::Oneof, of, oneof), members.join(", "));
            }
        }
        for (oneof, members) in &new.oneofs {
            if !old.oneofs.contains_key(oneof) {
                self.added(&Subject::inside(Kind::Oneof, of, oneof), members.join(", "));
            }
        }
        // What a constructor takes, in its order.
        let required = |message: &Message, other: &Message| -> Vec<String> {
            let both = message.fields.iter().filter(|(wire, field)| {
                field.required && other.fields.get(*wire).is_some_and(|field| field.required)
            });
            both.map(|(wire, _)| wire.clone()).collect()
        };
        let orders = (required(old, new), required(new, old));
        self.value(
            &Subject::new(Kind::Schema, of),
            What::Order,
            (&orders.0, &orders.1),
            |names| format!("required: {}", names.join(", ")),
        );
    }

    fn field(&mut self, subject: &Subject, old: &Field, new: &Field) {
        let since = self.changes.len();
        let types = (self.renamed(&old.ty), &new.ty);
        self.value(subject, What::Retyped, (&types.0, types.1), name);
        self.flag(subject, What::Required, (old.required, new.required));
        self.flag(subject, What::ReadOnly, (old.read_only, new.read_only));
        self.flag(subject, What::Nullable, (old.nullable, new.nullable));
        self.flag(subject, What::Sensitive, (old.sensitive, new.sensitive));
        self.flag(subject, What::Deprecated, (old.deprecated, new.deprecated));
        let sunsets = (old.sunset.as_ref(), new.sunset.as_ref());
        self.optional(subject, What::Sunset, sunsets, Clone::clone);
        self.doc(subject, old.doc.as_deref(), new.doc.as_deref());
        let mut expected = old.clone();
        expected.ty = new.ty.clone();
        expected.doc.clone_from(&new.doc);
        self.otherwise(subject, since, expected != *new);
    }

    fn values(&mut self, of: &Subject, old: &[String], new: &[String]) {
        for value in old.iter().filter(|value| !new.contains(value)) {
            self.removed(&Subject::inside(Kind::Value, &of.name, value), "");
        }
        for value in new.iter().filter(|value| !old.contains(value)) {
            self.added(&Subject::inside(Kind::Value, &of.name, value), "");
        }
        // The first is what stands for none.
        let firsts = (old.first(), new.first());
        self.optional(of, What::Order, firsts, |first| format!("first: {first}"));
        let differs = old != new;
        self.otherwise(
            of,
            self.changes.len(),
            differs && {
                let sorted =
                    |values: &[String]| -> BTreeSet<String> { values.iter().cloned().collect() };
                firsts.0 == firsts.1 && sorted(old) == sorted(new)
            },
        );
    }

    /// A line of our documentation that the overlay no longer finds a place for. What is new or another text is our own doing.
    fn doc(&mut self, subject: &Subject, old: Option<&str>, new: Option<&str>) {
        if let (Some(old), None) = (old, new) {
            let first = old.trim().lines().next().unwrap_or_default().to_owned();
            self.push(subject, What::Doc, Some(first), None);
        }
    }

    /// Which features bring a schema, alone; and with which it is part of a request.
    fn features(&mut self) {
        let [before, after] = [self.old, self.new].map(Reach::of);
        let (none, groups) = (BTreeSet::new(), self.new.groups());
        for name in self.old.schemas.keys() {
            let Some(new_name) = self.pairs.schema(name) else {
                continue;
            };
            let subject = Subject::new(Kind::Schema, name);
            let requests = (
                before.requests.get(name.as_str()).unwrap_or(&none),
                after.requests.get(new_name).unwrap_or(&none),
            );
            self.flag(
                &subject,
                What::Request,
                (!requests.0.is_empty(), !requests.1.is_empty()),
            );
            let all = (
                before.all.get(name.as_str()).unwrap_or(&none),
                after.all.get(new_name).unwrap_or(&none),
            );
            // A feature that is gone is a change of its own.
            let lost = |(old, new): (&BTreeSet<&str>, &BTreeSet<&str>)| -> Vec<String> {
                let lost = old.difference(new).filter(|group| groups.contains(**group));
                lost.map(|group| (*group).to_owned()).collect()
            };
            let gone = lost(all);
            let mut read_only = lost(requests);
            read_only.retain(|group| !gone.contains(group));
            if requests.1.is_empty() {
                read_only.clear();
            }
            for (groups, how) in [(gone, "no longer in"), (read_only, "no longer sent in")] {
                if !groups.is_empty() {
                    let to = Some(format!("{how} {}", groups.join(", ")));
                    self.push(&subject, What::Features, None, to);
                }
            }
        }
    }

    /// A type of the old description by the names of the new one.
    fn renamed(&self, ty: &Type) -> Type {
        match ty {
            Type::Ref(name) => Type::Ref(self.pairs.renamed(name).to_owned()),
            Type::List(inner) => Type::List(Box::new(self.renamed(inner))),
            Type::Map(inner) => Type::Map(Box::new(self.renamed(inner))),
            other => other.clone(),
        }
    }
}

/// The groups that lead to each schema.
struct Reach<'a> {
    all: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// From the body of a request.
    requests: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Reach<'a> {
    fn of(description: &'a Description) -> Self {
        let mut reach = Self {
            all: BTreeMap::new(),
            requests: BTreeMap::new(),
        };
        for group in description.groups() {
            let operations = description.operations.iter();
            let operations = operations.filter(|operation| operation.group == group);
            let bodies = operations.filter_map(|operation| operation.body.as_ref()?.json.as_ref());
            let bodies = bodies.filter_map(Type::reference);
            for name in closure(description, bodies) {
                reach.requests.entry(name).or_default().insert(group);
            }
            let roots = wanted_roots(description, |name| name == group, group == "webhooks");
            for name in closure(description, roots) {
                reach.all.entry(name).or_default().insert(group);
            }
        }
        reach
    }
}

fn payload(payload: &Payload) -> String {
    match &payload.json {
        Some(ty) => name(ty),
        None => format!("bytes of {}", payload.media),
    }
}

fn success(success: &Success) -> String {
    let payload = success.payload.as_ref().map(payload);
    let mut text = payload.unwrap_or_else(|| "no body".to_owned());
    let usual = success.statuses == ["200"] && success.empty.is_empty();
    if !usual {
        text = format!("{text} with {}", success.statuses.join(", "));
        if !success.empty.is_empty() {
            text = format!("{text}; no body with {}", success.empty.join(", "));
        }
    }
    text
}

fn call(operation: &Operation) -> String {
    format!("{} {}", operation.method.as_str(), operation.path)
}

fn page(page: &Page) -> String {
    let token = match page.token {
        PageToken::Query => "in the query",
        PageToken::Body => "in the body",
        PageToken::Nowhere => "nowhere",
    };
    format!("items {}, token {token}", page.items)
}

fn safety_name(safety: Safety) -> &'static str {
    match safety {
        Safety::Safe => "safe",
        Safety::Idempotent => "idempotent",
        Safety::Neither => "neither",
    }
}

fn oneof<'a>(message: &'a Message, wire: &str) -> Option<&'a str> {
    let mut oneofs = message.oneofs.iter();
    oneofs
        .find(|(_, members)| members.iter().any(|member| member == wire))
        .map(|(name, _)| name.as_str())
}

fn kind(schema: &Schema) -> String {
    match &schema.kind {
        SchemaKind::Message(message) => {
            format!("message, {}", plural(message.fields.len(), "field"))
        }
        SchemaKind::Enum(values) => format!("enum, {}", plural(values.len(), "value")),
        SchemaKind::Pattern(pattern) => format!("string with the pattern {pattern}"),
    }
}

/// What a field holds: `int64, required`.
fn held(field: &Field) -> String {
    let required = if field.required { ", required" } else { "" };
    format!("{}{required}", name(&field.ty))
}

/// A type as in reports: `list of App`, `int64`.
fn name(ty: &Type) -> String {
    match ty {
        Type::Ref(name) => name.clone(),
        Type::List(inner) => format!("list of {}", name(inner)),
        Type::Map(inner) => format!("map of {}", name(inner)),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// A number of things: `1 field`, `2 fields`.
pub(crate) fn plural(number: usize, thing: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{end}")
}
