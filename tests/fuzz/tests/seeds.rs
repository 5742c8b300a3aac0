//! Every seed, and what a few small changes make of it. The same ones each time: a failure here can be repeated.

#![allow(clippy::expect_used, reason = "a failing helper is a failing test")]

use std::fs;
use std::path::Path;

use c1_test_kit::Numbers;

/// How many changed inputs are made of each seed; fewer where each is a call, or a request and signatures.
fn changes(target: &str) -> u32 {
    match target {
        "token_answer" => 25,
        "error_response" | "path_parameters" | "response_body" => 100,
        _ => 1000,
    }
}

fn byte(numbers: &mut Numbers) -> u8 {
    // Mostly what has a meaning somewhere.
    let known = br#"@/:.{}[]"\,0eA-_ %"#;
    match numbers.index(3) {
        0 => numbers.number().to_le_bytes()[0],
        _ => known[numbers.index(known.len())],
    }
}

fn change(numbers: &mut Numbers, data: &mut Vec<u8>) {
    let at = numbers.index(data.len());
    let end = at + numbers.index(data.len() - at);
    match numbers.index(5) {
        0 if !data.is_empty() => data[at] = byte(numbers),
        1 => data.insert(at, byte(numbers)),
        2 => drop(data.drain(at..end)),
        3 => data.extend_from_within(at..end),
        _ => data.truncate(at),
    }
}

#[test]
fn hold_and_so_do_their_variations() {
    for (name, target) in c1_fuzz::TARGETS {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("seeds")
            .join(name);
        let mut paths: Vec<_> = fs::read_dir(seeds)
            .expect("seeds")
            .map(|entry| entry.expect("a seed").path())
            .collect();
        paths.sort();
        assert!(!paths.is_empty(), "{name} has no seeds");
        let mut numbers = Numbers::new(0);
        for path in paths {
            // Shown when the test fails, the last one being what it failed for.
            println!("{}", path.display());
            let seed = fs::read(path).expect("a seed");
            target(&seed);
            for _ in 0..changes(name) {
                let mut data = seed.clone();
                for _ in 0..=numbers.index(3) {
                    change(&mut numbers, &mut data);
                }
                println!("{:?}", data.escape_ascii().to_string());
                target(&data);
            }
        }
    }
}
