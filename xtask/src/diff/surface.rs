//! What callers can name of a generated crate, read from its source.
//!
//! The source and not the description is what is read, so that nothing here repeats how the generator names and types
//! things: a verdict is about the Rust that callers compile against.

use std::collections::BTreeMap;
use std::fmt;

use c1_api_spec::generate::File;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Fields, FnArg, ImplItem, Lit, Pat, ReturnType, Token, Visibility};

/// A name of the generated crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    /// The path of a module, a type, a constant or a re-export from the root of the crate: `types::App`.
    pub(crate) owner: String,
    pub(crate) member: Member,
}

/// What of its owner an item is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Member {
    Itself,
    Field(String),
    Variant(String),
    Method(String),
    Constant(String),
    Trait(String),
}

impl Item {
    fn itself(owner: &str) -> Self {
        Self::new(owner, Member::Itself)
    }

    fn new(owner: &str, member: Member) -> Self {
        Self {
            owner: owner.to_owned(),
            member,
        }
    }

    /// Whether it belongs to progenitor's own client.
    pub(crate) fn is_raw(&self) -> bool {
        self.owner == "raw" || self.owner.starts_with("raw::")
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owner = &self.owner;
        match &self.member {
            Member::Itself => f.write_str(owner),
            Member::Field(name) => write!(f, "{owner}.{name}"),
            Member::Variant(name) | Member::Constant(name) => write!(f, "{owner}::{name}"),
            Member::Method(name) => write!(f, "{owner}::{name}()"),
            Member::Trait(name) => write!(f, "{owner}: {name}"),
        }
    }
}

/// What an item promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A module, a struct, an enum, a constant or a re-export: the words that declare it.
    Declared(String),
    /// A struct or an enum that others can match or build in full, so that no member may be added.
    Exhaustive(String),
    /// The type of a field, or what a variant holds.
    Typed(String),
    /// What a method takes and returns.
    Function {
        /// Names and types, the receiver among them.
        arguments: Vec<(String, String)>,
        returns: String,
    },
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declared(text) | Self::Exhaustive(text) | Self::Typed(text) => f.write_str(text),
            Self::Function {
                arguments: list,
                returns,
            } => {
                f.write_str(&arguments(list))?;
                if returns.is_empty() {
                    Ok(())
                } else {
                    write!(f, " -> {returns}")
                }
            }
        }
    }
}

/// Arguments in parentheses, without the receiver.
pub(crate) fn arguments(list: &[(String, String)]) -> String {
    let list: Vec<_> = list
        .iter()
        .filter(|(name, _)| name != "self")
        .map(|(name, ty)| format!("{name}: {ty}"))
        .collect();
    format!("({})", list.join(", "))
}

/// Every public name of a generated crate, and what the source says of where it comes from.
#[derive(Debug, Default)]
pub(crate) struct Surface {
    pub(crate) items: BTreeMap<Item, Shape>,
    /// The wire name of a field or a variant.
    wire: BTreeMap<Item, String>,
    /// The view of a oneof to its message and what its methods are named after.
    views: BTreeMap<String, (String, String)>,
    /// A builder to its place in the table of operations.
    builders: BTreeMap<String, usize>,
    /// The ids of the operations, in the order of the table.
    table: Vec<String>,
    /// The group's entry and a method of it to the type that it returns.
    starts: BTreeMap<Item, String>,
}

/// Reads the files of a generated crate.
///
/// # Errors
///
/// When a file is no Rust, or holds an item or a macro of which this pass does not know what it makes public.
pub(crate) fn read(files: &[File]) -> Result<Surface, String> {
    let files = files
        .iter()
        .map(|file| (file.path.as_str(), file.text.as_str()));
    let mut reader = Reader {
        files: files.collect(),
        surface: Surface::default(),
    };
    for (module, file) in [
        ("", "operations.rs"),
        ("raw", "raw.rs"),
        ("types", "types.rs"),
    ] {
        reader.file(module, file)?;
    }
    Ok(reader.surface)
}

impl Surface {
    /// The wire name of the field or the variant.
    pub(crate) fn wire(&self, item: &Item) -> Option<&str> {
        self.wire.get(item).map(String::as_str)
    }

    /// The field or the variant beside the item that has the wire name.
    pub(crate) fn by_wire(&self, beside: &Item, wire: &str) -> Option<&Item> {
        let mut names = self.wire.iter();
        names
            .find(|(item, name)| item.owner == beside.owner && *name == wire)
            .map(|(item, _)| item)
    }

    /// The message of a oneof's view, and what the methods of the oneof are named after.
    pub(crate) fn view(&self, owner: &str) -> Option<(&str, &str)> {
        let (message, stem) = self.views.get(owner)?;
        Some((message, stem))
    }

    /// The views of a message: what the methods of each oneof are named after, and the path of the view.
    pub(crate) fn views<'a>(
        &'a self,
        message: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let views = self.views.iter();
        views
            .filter(move |(_, (of, _))| of == message)
            .map(|(view, (_, stem))| (stem.as_str(), view.as_str()))
    }

    /// The id of the operation that a builder, its path struct or the method that starts it belongs to.
    pub(crate) fn operation(&self, item: &Item) -> Option<&str> {
        let builder = match &item.member {
            Member::Method(_) if self.starts.contains_key(item) => &self.starts[item],
            _ => &item.owner,
        };
        let index = self.builders.get(builder).copied().or_else(|| {
            // A path struct is an argument of the method that starts the operation.
            let (module, name) = builder.rsplit_once("::")?;
            let argument = format!("{name}<'_>");
            let takes_it = |start: &&Item| {
                matches!(self.items.get(*start), Some(Shape::Function { arguments, .. })
                    if arguments.iter().any(|(_, ty)| *ty == argument))
            };
            let of_module = |start: &&Item| {
                start
                    .owner
                    .rsplit_once("::")
                    .is_some_and(|(of, _)| of == module)
            };
            let start = self.starts.keys().filter(of_module).find(takes_it)?;
            self.builders.get(&self.starts[start]).copied()
        })?;
        self.table.get(index).map(String::as_str)
    }
}

struct Reader<'a> {
    files: BTreeMap<&'a str, &'a str>,
    surface: Surface,
}

impl Reader<'_> {
    fn file(&mut self, module: &str, path: &str) -> Result<(), String> {
        let text = self
            .files
            .get(path)
            .ok_or_else(|| format!("{path}: not among the generated files"))?;
        let file = syn::parse_file(text).map_err(|error| format!("{path}: {error}"))?;
        self.items(module, file.items)
            .map_err(|error| format!("{path}: {error}"))
    }

    fn items(&mut self, module: &str, items: Vec<syn::Item>) -> Result<(), String> {
        for item in items {
            self.item(module, item)?;
        }
        Ok(())
    }

    fn item(&mut self, module: &str, item: syn::Item) -> Result<(), String> {
        match item {
            syn::Item::Macro(item) => self.macro_call(module, &item.mac)?,
            syn::Item::Mod(item) if is_public(&item.vis) => {
                let path = join(module, &item.ident.to_string());
                self.declare(&path, "mod");
                let (_, items) = item.content.ok_or_else(|| format!("{path}: no body"))?;
                self.items(&path, items)?;
            }
            syn::Item::Struct(item) if is_public(&item.vis) => self.structure(module, item),
            syn::Item::Enum(item) if is_public(&item.vis) => self.enumeration(module, item),
            syn::Item::Impl(item) => self.implementation(module, item),
            syn::Item::Static(item) if is_public(&item.vis) => {
                if item.ident == "OPERATIONS" {
                    self.table(&item.expr)?;
                }
                let path = join(module, &item.ident.to_string());
                self.declare(&path, &format!("static: {}", text(&item.ty)));
            }
            syn::Item::Use(item) if is_public(&item.vis) => {
                for (name, path) in leaves(&item.tree, "") {
                    self.declare(&join(module, &name), &format!("use {path}"));
                }
            }
            // What is private, and checks at compile time.
            syn::Item::Use(_)
            | syn::Item::Const(_)
            | syn::Item::Mod(_)
            | syn::Item::Struct(_)
            | syn::Item::Enum(_)
            | syn::Item::Static(_) => {}
            other => return Err(format!("an item that is not expected: {}", text(&other))),
        }
        Ok(())
    }

    fn macro_call(&mut self, module: &str, call: &syn::Macro) -> Result<(), String> {
        let name = text(&call.path);
        match name.as_str() {
            "include" => {
                let path = last_literal(call.tokens.clone())
                    .ok_or_else(|| format!("include!({}): no path", call.tokens))?;
                self.file(module, path.trim_start_matches('/'))
            }
            "wire::open_enum" => {
                let item = syn::parse2(call.tokens.clone())
                    .map_err(|error| format!("wire::open_enum!: {error}"))?;
                self.open_enum(module, item);
                Ok(())
            }
            "requests" => self.requests(module, call),
            "pages" => self.pages(module, call),
            // Private traits.
            "wire::messages" | "wire::via_serde" => Ok(()),
            _ => Err(format!("a macro that is not expected: {name}!")),
        }
    }

    fn declare(&mut self, path: &str, text: &str) {
        let shape = Shape::Declared(text.to_owned());
        self.surface.items.insert(Item::itself(path), shape);
    }

    fn structure(&mut self, module: &str, item: syn::ItemStruct) {
        let path = join(module, &item.ident.to_string());
        self.attributes(&path, &item.attrs);
        let fields: Vec<_> = match item.fields {
            Fields::Named(fields) => fields.named.into_iter().collect(),
            Fields::Unnamed(fields) => fields.unnamed.into_iter().collect(),
            Fields::Unit => Vec::new(),
        };
        // Only who can name each field can write a literal of it.
        let is_open =
            is_non_exhaustive(&item.attrs) || fields.iter().any(|field| !is_public(&field.vis));
        let words = format!("struct{}", text(&item.generics));
        let shape = if is_open {
            Shape::Declared(words)
        } else {
            Shape::Exhaustive(words)
        };
        self.surface.items.insert(Item::itself(&path), shape);
        for (index, field) in fields.iter().enumerate() {
            if is_public(&field.vis) {
                let name = field
                    .ident
                    .as_ref()
                    .map_or_else(|| index.to_string(), ToString::to_string);
                let item = Item::new(&path, Member::Field(name));
                self.surface
                    .items
                    .insert(item, Shape::Typed(text(&field.ty)));
            }
        }
    }

    fn enumeration(&mut self, module: &str, item: syn::ItemEnum) {
        let path = join(module, &item.ident.to_string());
        self.attributes(&path, &item.attrs);
        let words = "enum".to_owned();
        let shape = if is_non_exhaustive(&item.attrs) {
            Shape::Declared(words)
        } else {
            Shape::Exhaustive(words)
        };
        self.surface.items.insert(Item::itself(&path), shape);
        for variant in item.variants {
            let item = Item::new(&path, Member::Variant(variant.ident.to_string()));
            let held = text(&variant.fields);
            self.surface.items.insert(item, Shape::Typed(held));
        }
    }

    /// The call of the macro in `c1-api/src/wire/open_enum.rs`, each variant with its wire name.
    fn open_enum(&mut self, module: &str, item: syn::ItemEnum) {
        let path = join(module, &item.ident.to_string());
        self.declare(&path, "enum");
        for variant in item.variants {
            let item = Item::new(&path, Member::Variant(variant.ident.to_string()));
            if let Some((_, Expr::Lit(literal))) = variant.discriminant
                && let Lit::Str(name) = literal.lit
            {
                self.surface.wire.insert(item.clone(), name.value());
            }
            self.surface.items.insert(item, Shape::Typed(String::new()));
        }
    }

    fn attributes(&mut self, path: &str, attributes: &[Attribute]) {
        for attribute in attributes.iter().filter(|a| a.path().is_ident("derive")) {
            let derived = attribute
                .parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated)
                .unwrap_or_default();
            for derived in derived {
                self.implements(path, &derived, String::new());
            }
        }
    }

    /// Notes a trait, and which types it has there.
    fn implements(&mut self, path: &str, of: &syn::Path, types: String) {
        let name = text(of);
        // `std::fmt::Debug` is what a derive calls `Debug`.
        let name = name.trim_start_matches("::").trim_start_matches("std::");
        let name = name.trim_start_matches("fmt::");
        let name = name.trim_start_matches("crate::");
        // Our private traits of the wire form.
        if !name.starts_with("wire::") {
            let item = Item::new(path, Member::Trait(name.to_owned()));
            self.surface.items.insert(item, Shape::Typed(types));
        }
    }

    fn implementation(&mut self, module: &str, item: syn::ItemImpl) {
        let of = text(&item.self_ty);
        if let (true, Some((from, _))) = (of.starts_with("::"), &item.trait_) {
            // A conversion into a type of another crate.
            let name = format!("{} for {}", text(from), of.trim_start_matches("::"));
            let item = Item::new(module, Member::Trait(name));
            let shape = Shape::Typed(String::new());
            self.surface.items.insert(item, shape);
            return;
        }
        let path = join(module, &of);
        if let Some((of, _)) = &item.trait_ {
            let types = item.items.iter().filter_map(|member| match member {
                ImplItem::Type(member) => Some(format!("{} = {}", member.ident, text(&member.ty))),
                _ => None,
            });
            let types: Vec<_> = types.collect();
            self.implements(&path, of, types.join(", "));
        }
        for member in item.items {
            let function = match member {
                ImplItem::Fn(function) => function,
                ImplItem::Const(constant) if is_public(&constant.vis) => {
                    let member = Member::Constant(constant.ident.to_string());
                    let shape = Shape::Typed(text(&constant.ty));
                    self.surface.items.insert(Item::new(&path, member), shape);
                    continue;
                }
                _ => continue,
            };
            let name = function.sig.ident.to_string();
            if item.trait_.is_some() {
                if name == "read_field" {
                    self.field_names(&path, &function.block);
                }
            } else if is_public(&function.vis) {
                self.function(module, &path, &function.sig);
            }
        }
    }

    fn function(&mut self, module: &str, path: &str, signature: &syn::Signature) {
        let name = signature.ident.to_string();
        let item = Item::new(path, Member::Method(name.clone()));
        let arguments = signature.inputs.iter().map(|argument| match argument {
            // A mutable receiver by value is the callee's business.
            FnArg::Receiver(receiver) => (
                "self".to_owned(),
                text(receiver).trim_start_matches("mut ").to_owned(),
            ),
            FnArg::Typed(argument) => {
                let name = match &*argument.pat {
                    Pat::Ident(pattern) => pattern.ident.to_string(),
                    other => text(other),
                };
                (name, text(&argument.ty))
            }
        });
        let arguments = arguments.collect();
        let mut returns = match &signature.output {
            ReturnType::Default => String::new(),
            ReturnType::Type(_, ty) => text(ty),
        };
        if let Some(view) = returns
            .strip_prefix("Option<")
            .and_then(|rest| rest.strip_suffix('>'))
            && let Some(stem) = name.strip_prefix("into_")
        {
            let of = (path.to_owned(), stem.to_owned());
            self.surface.views.insert(join(module, view), of);
        }
        let is_entry = matches!(signature.inputs.first(), Some(FnArg::Receiver(receiver)) if text(receiver) == "&self");
        if is_entry && !module.is_empty() && module != "raw" && module != "types" {
            let builder = join(module, &returns);
            self.surface.starts.insert(item.clone(), builder);
        }
        if signature.asyncness.is_some() {
            returns = format!("async {returns}");
        }
        let shape = Shape::Function { arguments, returns };
        self.surface.items.insert(item, shape);
    }

    /// The arms of `read_field`: `"iconUrl" => wire::read(&mut self.icon_url, input)`.
    fn field_names(&mut self, path: &str, block: &syn::Block) {
        let Some(syn::Stmt::Expr(Expr::Match(body), _)) = block.stmts.first() else {
            return;
        };
        for arm in &body.arms {
            if let Pat::Lit(literal) = &arm.pat
                && let Lit::Str(wire) = &literal.lit
                && let Some(ident) = field_of_self(arm.body.to_token_stream())
            {
                let item = Item::new(path, Member::Field(ident));
                self.surface.wire.insert(item, wire.value());
            }
        }
    }

    /// `requests! { Builder => Message, 0; }` or `Builder: Type, 0;`: see the macro in `c1-api/src/request.rs`.
    fn requests(&mut self, module: &str, call: &syn::Macro) -> Result<(), String> {
        let line = |tokens: &[TokenTree]| {
            let [builder, rest @ .., _, index] = tokens else {
                return None;
            };
            // `=> Message`, or `: any::Type`.
            let (module, response) = match rest {
                [colon, response @ ..] if is_punctuation(colon, ':') => ("", response),
                [_, _, response @ ..] => ("types::", response),
                _ => return None,
            };
            let response: TokenStream = response.iter().cloned().collect();
            let index = index.to_string().parse().ok()?;
            Some((
                builder.to_string(),
                format!("{module}{}", text(&response)),
                index,
            ))
        };
        for (builder, response, index) in lines(call, line)? {
            let path = join(module, &builder);
            let item = Item::new(&path, Member::Trait("Request".to_owned()));
            let shape = Shape::Typed(format!("Response = {}", response.replace("crate::", "")));
            self.surface.items.insert(item, shape);
            self.surface.builders.insert(path, index);
        }
        Ok(())
    }

    /// The lists: a builder, where its token goes, the field with the next token, that with the items, and their type.
    fn pages(&mut self, module: &str, call: &syn::Macro) -> Result<(), String> {
        let line = |tokens: &[TokenTree]| {
            let mut parts = tokens.splitn(3, |token| is_punctuation(token, ','));
            let builder = parts.next()?.first()?.to_string();
            let [_, colon, item @ ..] = parts.nth(1)? else {
                return None;
            };
            let item: TokenStream = item.iter().cloned().collect();
            is_punctuation(colon, ':').then(|| (builder, text(&item)))
        };
        for (builder, item) in lines(call, line)? {
            let member = Member::Trait("Paged".to_owned());
            let shape = Shape::Typed(format!("Item = {item}"));
            let item = Item::new(&join(module, &builder), member);
            self.surface.items.insert(item, shape);
        }
        Ok(())
    }

    /// The ids of the operations, as the table has them.
    fn table(&mut self, table: &Expr) -> Result<(), String> {
        let rows = match table {
            Expr::Reference(reference) => match &*reference.expr {
                Expr::Array(array) => &array.elems,
                other => return Err(format!("a table that is no list: {}", text(other))),
            },
            other => return Err(format!("a table that is no reference: {}", text(other))),
        };
        for row in rows {
            let id = match row {
                Expr::Struct(row) => row.fields.iter().find_map(|field| match &field.expr {
                    Expr::Lit(literal) if text(&field.member) == "id" => match &literal.lit {
                        Lit::Str(id) => Some(id.value()),
                        _ => None,
                    },
                    _ => None,
                }),
                _ => None,
            };
            self.surface
                .table
                .push(id.ok_or_else(|| format!("a row without an id: {}", text(row)))?);
        }
        Ok(())
    }
}

/// What `line` reads of each line of a macro, up to a semicolon.
fn lines<T>(call: &syn::Macro, line: impl Fn(&[TokenTree]) -> Option<T>) -> Result<Vec<T>, String> {
    let tokens: Vec<_> = call.tokens.clone().into_iter().collect();
    let lines = tokens.split(|token| is_punctuation(token, ';'));
    let lines = lines.filter(|line| !line.is_empty()).map(|tokens| {
        let name = text(&call.path);
        line(tokens).ok_or_else(|| format!("{name}!: {tokens:?} is no line of it"))
    });
    lines.collect()
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_non_exhaustive(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("non_exhaustive"))
}

fn is_punctuation(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() {
        name.to_owned()
    } else {
        format!("{module}::{name}")
    }
}

/// What a `use` brings: each name, and the path behind it.
fn leaves(tree: &syn::UseTree, prefix: &str) -> Vec<(String, String)> {
    match tree {
        syn::UseTree::Path(path) => leaves(&path.tree, &join(prefix, &path.ident.to_string())),
        syn::UseTree::Name(name) => {
            let name = name.ident.to_string();
            vec![(name.clone(), join(prefix, &name))]
        }
        syn::UseTree::Rename(rename) => vec![(
            rename.rename.to_string(),
            join(prefix, &rename.ident.to_string()),
        )],
        syn::UseTree::Glob(_) => vec![("*".to_owned(), join(prefix, "*"))],
        syn::UseTree::Group(group) => group
            .items
            .iter()
            .flat_map(|tree| leaves(tree, prefix))
            .collect(),
    }
}

/// The last string among the tokens: the path in `concat!(env!("OUT_DIR"), "/types/apps.rs")`.
fn last_literal(tokens: TokenStream) -> Option<String> {
    tokens
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Group(group) => last_literal(group.stream()),
            TokenTree::Literal(literal) => {
                let parsed: syn::LitStr = syn::parse2(TokenTree::from(literal).into()).ok()?;
                Some(parsed.value())
            }
            _ => None,
        })
        .last()
}

/// The field in `self.field`.
fn field_of_self(tokens: TokenStream) -> Option<String> {
    let mut before = Vec::new();
    for token in tokens {
        if let TokenTree::Group(group) = &token
            && let Some(field) = field_of_self(group.stream())
        {
            return Some(field);
        }
        if let [.., of, dot] = &before[..]
            && matches!(of, TokenTree::Ident(of) if of == "self")
            && is_punctuation(dot, '.')
        {
            return Some(token.to_string());
        }
        before.push(token);
    }
    None
}

/// Tokens as people write them.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = String::new();
    write(tokens.to_token_stream(), &mut text);
    // Everything that progenitor's client borrows lives as long.
    text.replace("&'a::c1_api::", "&")
        .replace("&'a ", "&")
        .replace("::c1_api::", "")
}

fn write(tokens: TokenStream, out: &mut String) {
    for token in tokens {
        let token = match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    proc_macro2::Delimiter::Parenthesis => ("(", ")"),
                    proc_macro2::Delimiter::Bracket => ("[", "]"),
                    proc_macro2::Delimiter::Brace => ("{", "}"),
                    proc_macro2::Delimiter::None => ("", ""),
                };
                let is_behind_type = out.ends_with(|c: char| c.is_alphanumeric());
                if is_behind_type && group.delimiter() == proc_macro2::Delimiter::Brace {
                    out.push(' ');
                }
                out.push_str(open);
                write(group.stream(), out);
                // A comma behind the last of a list is the formatter's.
                out.truncate(out.trim_end_matches([',', ' ']).len());
                out.push_str(close);
                continue;
            }
            other => other.to_string(),
        };
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let follows_word = out.ends_with(is_word);
        let is_spaced = match token.as_str() {
            "=" | "+" | "|" => true,
            "{" => follows_word,
            _ => token.starts_with(is_word) && follows_word,
        };
        if is_spaced && !out.ends_with(' ') && !out.is_empty() {
            out.push(' ');
        }
        if token == ">" {
            out.truncate(out.trim_end_matches([',', ' ']).len());
        }
        out.push_str(&token);
        if matches!(token.as_str(), "," | "=" | "+" | "|") {
            out.push(' ');
        }
    }
}
