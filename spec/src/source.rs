//! Where a description comes from: the files of this crate, or others that the environment names.
//!
//! Build scripts, tests and the emulator find it here, so that all of one build have the same.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, fmt, fs, io};

use crate::{DOCUMENT, Description, Error, OVERLAY, correct, load, read};

/// The variables that [`Source::from_env`] reads.
pub const VARIABLES: [&str; 2] = [SPEC_VARIABLE, OVERLAY_VARIABLE];

const SPEC_VARIABLE: &str = "C1_API_SPEC";
const OVERLAY_VARIABLE: &str = "C1_API_OVERLAY";

/// The documents to read a description from. By default it is the one of this crate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    spec: Option<Input>,
    overlay: Option<Input>,
}

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Input {
    path: PathBuf,
    /// The variable that names it, if one does.
    variable: Option<&'static str>,
}

/// A description, and what to tell of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// What was read, with the overlays laid over it.
    pub description: Description,
    /// What was read, for messages: `C1_API_SPEC=/path/to/openapi.yaml`.
    pub name: String,
    /// One line each, such as a target of the user's overlay that selects nothing.
    pub warnings: Vec<String>,
}

impl Source {
    /// The documents that `C1_API_SPEC` and `C1_API_OVERLAY` name. An empty value counts as none.
    pub fn from_env() -> Self {
        Self::from_vars(|variable| env::var_os(variable))
    }

    /// As [`from_env`](Self::from_env), with the variables read by `get`.
    pub fn from_vars(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let input = |variable| {
            let path = get(variable).filter(|value| !value.is_empty())?;
            Some(Input {
                path: path.into(),
                variable: Some(variable),
            })
        };
        Self {
            spec: input(SPEC_VARIABLE),
            overlay: input(OVERLAY_VARIABLE),
        }
    }

    /// Reads the description from this document, in the vendor's form or ours.
    #[must_use]
    pub fn spec(mut self, path: impl Into<PathBuf>) -> Self {
        self.spec = Some(Input::file(path));
        self
    }

    /// Lays this overlay over the description, after the one of this crate.
    #[must_use]
    pub fn overlay(mut self, path: impl Into<PathBuf>) -> Self {
        self.overlay = Some(Input::file(path));
        self
    }

    /// What a build script prints for cargo to run it again: a line for each variable and each file.
    pub fn directives(&self) -> impl Iterator<Item = String> {
        let files = [&self.spec, &self.overlay].into_iter().flatten();
        let files = files.map(|input| format!("cargo::rerun-if-changed={}", input.path.display()));
        VARIABLES
            .into_iter()
            .map(|variable| format!("cargo::rerun-if-env-changed={variable}"))
            .chain(files)
    }

    /// Reads the description.
    ///
    /// # Errors
    ///
    /// When a variable names a relative path, a file cannot be read, or is not what it should be. The error names the file.
    pub fn load(&self) -> Result<Loaded, SourceError> {
        let (mut name, document) = match &self.spec {
            None => (
                "the description of c1-api-spec".to_owned(),
                DOCUMENT.to_owned(),
            ),
            Some(input) => (input.to_string(), input.read()?),
        };
        let mut description = load(&document, OVERLAY).map_err(invalid(&name))?;
        let mut warnings = Vec::new();
        if let Some(overlay) = &self.overlay {
            let text = overlay.read()?;
            let (corrected, idle) =
                correct(&description, &text).map_err(invalid(&overlay.to_string()))?;
            let idle = idle
                .iter()
                .map(|target| format!("{overlay}: {target} selects nothing"));
            warnings.extend(idle);
            description = corrected;
            name = format!("{name} with {overlay}");
        }
        Ok(Loaded {
            description,
            name,
            warnings,
        })
    }
}

impl Input {
    fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            variable: None,
        }
    }

    fn read(&self) -> Result<String, SourceError> {
        let refused = |reason| SourceError {
            name: self.to_string(),
            reason,
        };
        // Of a variable, several programs read it, each where it runs.
        if self.variable.is_some() && self.path.is_relative() {
            return Err(refused(Reason::Relative));
        }
        let bytes = fs::read(&self.path).map_err(|error| refused(Reason::Unreadable(error)))?;
        read::decode(bytes).map_err(invalid(&self.to_string()))
    }
}

/// As whoever named the file did: with the variable or without.
impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(variable) = self.variable {
            write!(f, "{variable}=")?;
        }
        write!(f, "{}", self.path.display())
    }
}

/// A document could not be read, or is not what it should be.
#[derive(Debug)]
pub struct SourceError {
    name: String,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Relative,
    Unreadable(io::Error),
    Invalid(Error),
}

fn invalid(name: &str) -> impl FnOnce(Error) -> SourceError {
    let name = name.to_owned();
    move |error| SourceError {
        name,
        reason: Reason::Invalid(error),
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, reason } = self;
        match reason {
            Reason::Relative => write!(
                f,
                "{name} is relative, and a build script does not run where cargo was called; set an absolute path"
            ),
            Reason::Unreadable(error) => write!(f, "{name}: {error}"),
            Reason::Invalid(error) => write!(f, "{name}: {error}"),
        }
    }
}

/// The message is complete: it includes that of the cause.
impl std::error::Error for SourceError {}
