//! Builds programs against documents that are accepted, and calls an emulated tenant.
//!
//! A build costs more than a case is worth, so one program has the calls of all cases that can share a document. When it
//! does not compile or end, its halves are tried, and theirs, so that a failure names its case.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs, io};

use serde_json::Value;

use crate::case::{Call, Case, Change, Verdict};
use crate::folder;
use crate::verdict::Judge;

/// The most cases of one program. More would take less time in all, and longer until a failure has a name.
const MOST: usize = 60;

/// The cases that are accepted, in shares of about the same size. Those of a share leave each other alone, so that they can
/// have one document.
pub fn shares<'a>(judge: &Judge, cases: &'a [Case]) -> Vec<Vec<&'a Case>> {
    let is_accepted =
        |case: &&Case| case.open.is_none() && !matches!(case.verdict, Verdict::Refused(_));
    // What is to fail may not even compile, and is alone.
    let (many, alone): (Vec<&Case>, Vec<&Case>) = cases
        .iter()
        .filter(is_accepted)
        .partition(|case| case.open_calls.is_none());
    let mut shares: Vec<(Vec<&Case>, BTreeSet<String>)> =
        vec![Default::default(); many.len().div_ceil(MOST)];
    for case in many {
        let touched = touched(judge.base(), case);
        let fits = |(cases, taken): &&mut (Vec<&Case>, BTreeSet<String>)| {
            cases.len() < MOST && !touched.iter().any(|place| overlaps(place, taken))
        };
        match shares
            .iter_mut()
            .filter(fits)
            .min_by_key(|(cases, _)| cases.len())
        {
            Some((cases, taken)) => {
                cases.push(case);
                taken.extend(touched);
            }
            None => shares.push((vec![case], touched)),
        }
    }
    let alone = alone.into_iter().map(|case| vec![case]);
    shares
        .into_iter()
        .map(|(cases, _)| cases)
        .chain(alone)
        .collect()
}

/// Whether one of the places is within or around this one. A place ends with a slash.
fn overlaps(place: &str, places: &BTreeSet<String>) -> bool {
    places
        .iter()
        .any(|other| other.starts_with(place) || place.starts_with(other.as_str()))
}

/// What a case adds to the base, changes or removes there.
fn touched(base: &Value, case: &Case) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    let Change::Actions(actions) = &case.change else {
        // A document of its own has no place for another case.
        return BTreeSet::from(["/".to_owned()]);
    };
    for action in actions {
        let target = action["target"].as_str().unwrap_or_default();
        // What a wildcard stands for is taken as a whole.
        let (target, is_one) = match target.split_once('*') {
            Some((before, _)) => (before.trim_end_matches('['), false),
            None => (target, true),
        };
        // `$.a['b'].c`, whose names may contain dots.
        let names = target
            .trim_start_matches('$')
            .replace("['", "\u{0}")
            .replace("']", "\u{0}");
        let mut place = "/".to_owned();
        let mut value = Some(base);
        for (index, part) in names.split('\u{0}').enumerate() {
            let names: Vec<&str> = if index % 2 == 1 {
                vec![part]
            } else {
                part.split('.').collect()
            };
            for name in names.into_iter().filter(|name| !name.is_empty()) {
                place += &name.replace('/', "~1");
                place.push('/');
                value = value.and_then(|value| value.get(name));
            }
        }
        match action.get("update") {
            Some(update) if is_one => changed(value, update, &place, &mut places),
            _ => drop(places.insert(place)),
        }
    }
    places
}

/// The places below one at which an update says something new.
fn changed(value: Option<&Value>, update: &Value, place: &str, places: &mut BTreeSet<String>) {
    match (value, update) {
        (Some(Value::Object(known)), Value::Object(update)) if !known.is_empty() => {
            for (key, update) in update {
                let place = format!("{place}{}/", key.replace('/', "~1"));
                changed(known.get(key), update, &place, places);
            }
        }
        _ => drop(places.insert(place.to_owned())),
    }
}

/// Builds and runs the program of some cases. Returns what is not as expected, by the name of the case.
///
/// # Errors
///
/// When cargo or the emulator cannot be started, or a file cannot be written.
pub fn check(judge: &Judge, cases: &[&Case]) -> io::Result<Vec<(String, String)>> {
    let failures = run(judge, cases)?;
    let [
        Case {
            name,
            open_calls: Some(reason),
            ..
        },
    ] = cases
    else {
        return Ok(failures);
    };
    let as_expected = format!("the calls are as expected; remove the line `open_calls: {reason}`");
    let failed = !failures.is_empty();
    Ok(if failed {
        Vec::new()
    } else {
        vec![(name.clone(), as_expected)]
    })
}

/// Builds and runs the program of some cases. Returns what failed, by the name of the case.
///
/// # Errors
///
/// When the program cannot be written or cargo cannot be run.
fn run(judge: &Judge, cases: &[&Case]) -> io::Result<Vec<(String, String)>> {
    let every = |error: &str| {
        cases
            .iter()
            .map(|case| (case.name.clone(), error.to_owned()))
            .collect()
    };
    let output = match built(judge, cases) {
        Ok(mut program) => program.output()?,
        Err(error) if cases.len() == 1 => return Ok(every(&error)),
        Err(error) => return halves(judge, cases, &error),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut failures = Vec::new();
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("ok ") {
            seen.insert(name);
        } else if let Some((name, why)) = line
            .strip_prefix("failed ")
            .and_then(|line| line.split_once(": "))
        {
            seen.insert(name);
            failures.push((name.to_owned(), why.to_owned()));
        }
    }
    let unseen: Vec<&Case> = cases
        .iter()
        .filter(|case| !seen.contains(case.name.as_str()))
        .copied()
        .collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    let ended = format!("the program ended: {errors}");
    match unseen[..] {
        [] => {}
        // It ends a program that had other calls to make as well.
        [case] => failures.push((case.name.clone(), ended)),
        _ => failures.extend(halves(judge, &unseen, &ended)?),
    }
    Ok(failures)
}

/// Both halves of the cases, each with a program of its own, until a failure has the name of a case.
fn halves(judge: &Judge, cases: &[&Case], error: &str) -> io::Result<Vec<(String, String)>> {
    eprintln!(
        "a program with {} cases failed; each half is tried alone",
        cases.len()
    );
    let (first, second) = cases.split_at(cases.len() / 2);
    let mut failures = run(judge, first)?;
    failures.extend(run(judge, second)?);
    if failures.is_empty() {
        let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        failures.push((
            names.join(", "),
            format!("these fail together, not alone: {error}"),
        ));
    }
    Ok(failures)
}

/// Writes and builds the program.
fn built(judge: &Judge, cases: &[&Case]) -> Result<Command, String> {
    let root = folder().join("../..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let work = target.join("corpus");
    let text = |error: io::Error| error.to_string();
    fs::create_dir_all(&work).map_err(text)?;
    let work = work.canonicalize().map_err(text)?;
    let document = work.join("openapi.yaml");
    fs::write(&document, judge.document(cases.iter().copied())?).map_err(text)?;

    let template = folder().join("program");
    let manifest = fs::read_to_string(template.join("Cargo.toml")).map_err(text)?;
    let root = root.canonicalize().map_err(text)?;
    let program = work.join("program");
    fs::create_dir_all(&program).map_err(text)?;
    fs::write(
        program.join("Cargo.toml"),
        manifest.replace("ROOT", &root.to_string_lossy()),
    )
    .map_err(text)?;
    fs::copy(template.join("main.rs"), program.join("main.rs")).map_err(text)?;
    fs::copy(root.join("Cargo.lock"), program.join("Cargo.lock")).map_err(text)?;
    fs::write(program.join("cases.rs"), code(cases)).map_err(text)?;

    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--offline", "--manifest-path"])
        .arg(program.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(work.join("target"))
        .env("C1_API_SPEC", &document)
        .env_remove("C1_API_OVERLAY")
        .env_remove("C1_API_GROUPS")
        // Nobody debugs what is built here.
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(text)?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    let mut command = Command::new(work.join("target/debug/c1-corpus-program"));
    command
        .env("C1_API_SPEC", &document)
        .env_remove("C1_API_OVERLAY")
        .stdin(Stdio::null());
    Ok(command)
}

/// `cases.rs`: a function for each case, and the table of them.
fn code(cases: &[&Case]) -> String {
    let mut code = "// Written by c1-corpus. Do not edit.\n\n#[allow(unused_imports)]\nuse c1_api::{serde_json, types};\n\n\
                    use crate::{Case, Outcome, Peer, has_status};\n"
        .to_owned();
    let mut table = String::new();
    for (index, case) in cases.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(
            code,
            "\n/// {}\nasync fn case{index}(peer: &Peer) -> Outcome {{\n    let client = &peer.client;",
            case.name
        );
        for call in &case.calls {
            code.push_str(&one(call));
        }
        code.push_str("    Ok(())\n}\n");
        let _ = writeln!(
            table,
            "    Case {{ name: {:?}, run: |peer| Box::pin(case{index}(peer)) }},",
            case.name
        );
    }
    code + &format!("\npub(crate) static CASES: &[Case] = &[\n{table}];\n")
}

fn one(call: &Call) -> String {
    let Call {
        code,
        received,
        status,
        answer,
    } = call;
    let received = serde_json::to_string(received).unwrap_or_default();
    let check = answer.as_deref().unwrap_or("peer.whole(&answer)?;").trim();
    format!(
        "    let response = {{\n        {}\n    }}.send().await?;\n    peer.received({received:?})?;\n    \
         has_status(response.status(), {status})?;\n    let answer = response.into_inner();\n    {check}\n",
        code.trim()
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{overlaps, shares, touched};
    use crate::case::{self, Verdict};
    use crate::verdict::Judge;

    #[test]
    fn every_accepted_case_is_in_one_program_with_cases_that_leave_it_alone() {
        let judge = Judge::new().unwrap();
        let cases = case::all().unwrap();
        let shares = shares(&judge, &cases);
        let accepted = cases
            .iter()
            .filter(|case| case.open.is_none() && !matches!(case.verdict, Verdict::Refused(_)));
        assert_eq!(shares.iter().map(Vec::len).sum::<usize>(), accepted.count());
        for share in &shares {
            judge.document(share.iter().copied()).unwrap();
            for (index, case) in share.iter().enumerate() {
                for other in &share[index + 1..] {
                    let places = touched(judge.base(), other);
                    let own = touched(judge.base(), case);
                    assert!(
                        !own.iter().any(|place| overlaps(place, &places)),
                        "{} and {}",
                        case.name,
                        other.name
                    );
                }
            }
        }
    }
}
