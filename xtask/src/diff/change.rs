//! A change between two descriptions: what of, what happened, and which names of the generated crate it takes from callers.

use super::surface::Item;

/// What a change is of, as the documents name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    /// What it belongs to: the operation of a parameter, the schema of a field, an enum value or a oneof. Empty for all
    /// others.
    pub(crate) of: String,
    /// Its own name: the id of an operation (`group.name`), the name of a schema, the wire name of all others.
    pub(crate) name: String,
}

impl Subject {
    pub(crate) fn new(kind: Kind, name: &str) -> Self {
        Self::inside(kind, "", name)
    }

    pub(crate) fn inside(kind: Kind, of: &str, name: &str) -> Self {
        Self {
            kind,
            of: of.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// The kinds of what changes, in the order of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Document,
    Note,
    Group,
    Operation,
    Parameter,
    Schema,
    Field,
    Value,
    Oneof,
    Overlay,
}

impl Kind {
    /// As in reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Note => "note",
            Self::Group => "group",
            Self::Operation => "operation",
            Self::Parameter => "parameter",
            Self::Schema => "schema",
            Self::Field => "field",
            Self::Value => "value",
            Self::Oneof => "oneof",
            Self::Overlay => "overlay target",
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Added,
    Removed,
    /// The same thing has another Rust name.
    Renamed,
    /// An operation has another method or path.
    Moved,
    /// A value has another type.
    Retyped,
    /// The request of an operation has another body, or has one where there was none.
    Body,
    /// An operation returns another message.
    Response,
    /// Whether it must be sent.
    Required,
    /// Whether the server sets it.
    ReadOnly,
    /// Whether it may be `null`.
    Nullable,
    /// Whether it holds a secret.
    Sensitive,
    /// Which oneof a field belongs to.
    Oneof,
    /// Whether a message is part of a request, so that it has a constructor and setters.
    Request,
    /// Features with which it was there, or was part of a request, and no longer is.
    Features,
    /// The order of what it consists of.
    Order,
    /// The protobuf name.
    Proto,
    /// How an operation is paged.
    Paged,
    /// What a repetition of an operation does.
    Safety,
    /// What the vendor promises of an operation.
    Stability,
    Deprecated,
    /// The day after which a field goes away.
    Sunset,
    /// Our documentation found nothing to describe.
    Doc,
    /// A target of our overlay selects nothing any more.
    Idle,
    /// Nothing of its own changed, but the Rust that other changes make of it did.
    Rust,
    /// It differs in something for which there is no other word here.
    Other,
}

impl What {
    /// As in reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Renamed => "renamed",
            Self::Moved => "moved",
            Self::Retyped => "retyped",
            Self::Body => "body",
            Self::Response => "response",
            Self::Required => "required",
            Self::ReadOnly => "read-only",
            Self::Nullable => "nullable",
            Self::Sensitive => "secret",
            Self::Oneof => "oneof",
            Self::Request => "request",
            Self::Features => "features",
            Self::Order => "order",
            Self::Proto => "protobuf name",
            Self::Paged => "page",
            Self::Safety => "safety",
            Self::Stability => "stability",
            Self::Deprecated => "deprecated",
            Self::Sunset => "sunset",
            Self::Doc => "documentation lost",
            Self::Idle => "lost its target",
            Self::Rust => "in Rust",
            Self::Other => "differs otherwise",
        }
    }

    /// Whether it is about the form of requests and responses, on which the generated Rust depends, and not about what is
    /// said of them.
    pub(crate) fn shapes_rust(self) -> bool {
        !matches!(
            self,
            Self::Proto
                | Self::Safety
                | Self::Stability
                | Self::Deprecated
                | Self::Sunset
                | Self::Doc
                | Self::Idle
        )
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) subject: Subject,
    pub(crate) what: What,
    /// The state before, where there was one that can be told.
    pub(crate) from: Option<String>,
    /// The state after.
    pub(crate) to: Option<String>,
    /// What of the generated crate it breaks.
    pub(crate) breaks: Vec<Break>,
}

impl Change {
    /// A change without states, and without what it breaks.
    pub(crate) fn new(subject: Subject, what: What) -> Self {
        Self {
            subject,
            what,
            from: None,
            to: None,
            breaks: Vec::new(),
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let verdicts = self.breaks.iter().map(Break::verdict);
        verdicts.max().unwrap_or(Verdict::Compatible)
    }
}

/// A name of the generated crate that callers can no longer use as they did.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Break {
    pub(crate) item: Item,
    pub(crate) harm: Harm,
}

/// What happened to a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Harm {
    Gone,
    /// It is called so now.
    Renamed(String),
    /// A type, or what a method takes or returns.
    Changed {
        from: String,
        to: String,
    },
    /// It has to be given, or matched, where it was not there.
    New(String),
    /// It is there, but not with all features with which it was.
    Features(String),
}

impl Break {
    fn verdict(&self) -> Verdict {
        if self.item.is_raw() {
            Verdict::BreaksRaw
        } else {
            Verdict::Breaks
        }
    }
}

/// What a change means for Rust callers of the generated crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// What compiled still does.
    Compatible,
    /// Only callers of progenitor's own client (`c1_api::raw`) have to change.
    BreaksRaw,
    /// Callers have to change.
    Breaks,
}

impl Verdict {
    /// As in reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::BreaksRaw => "breaks raw",
            Self::Breaks => "breaks",
        }
    }
}
