//! Builds programs against documents of the corpus and runs them: all of them, or a share.

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use c1_corpus::case::{self, Case};
use c1_corpus::program::{check, shares};
use c1_corpus::verdict::Judge;

const USAGE: &str =
    "usage: c1-corpus list | all | share NUMBER OF | case NAME... | document NAME...";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let judge = Judge::new()?;
    let cases = case::all()?;
    let shares = shares(&judge, &cases);
    let chosen = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => {
            for case in &cases {
                print!("{} {}: {}", case.verdict.name(), case.name, case.about);
                for reason in case.open.iter().chain(&case.open_calls) {
                    print!(" (open: {reason})");
                }
                println!();
            }
            Vec::new()
        }
        ["all"] => shares,
        ["share", number, of] => {
            let of = of.parse::<usize>()?.max(1);
            let share = number.parse::<usize>()? % of;
            println!("share {share} of {of}");
            shares.into_iter().skip(share).step_by(of).collect()
        }
        ["case", ref names @ ..] if !names.is_empty() => vec![named(&cases, names)?],
        ["document", ref names @ ..] if !names.is_empty() => {
            print!("{}", judge.document(named(&cases, names)?)?);
            Vec::new()
        }
        _ => return Err(USAGE.into()),
    };
    let mut failed = false;
    for cases in chosen {
        let start = Instant::now();
        let failures = check(&judge, &cases)?;
        for (name, why) in &failures {
            eprintln!("{name}: {why}");
        }
        failed |= !failures.is_empty();
        println!(
            "{} cases, {} failed, {:.0?}",
            cases.len(),
            failures.len(),
            start.elapsed()
        );
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The cases of these names, or of files of these names.
fn named<'a>(cases: &'a [Case], names: &[&str]) -> Result<Vec<&'a Case>, String> {
    let mut found = Vec::new();
    for name in names {
        let is = |case: &&Case| case.name == *name || case.name.split('/').next() == Some(name);
        let of_name: Vec<_> = cases.iter().filter(is).collect();
        if of_name.is_empty() {
            return Err(format!("no case {name:?}"));
        }
        found.extend(of_name);
    }
    Ok(found)
}
