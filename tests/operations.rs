//! Part of the build scripts of test crates that name operations by hand: what the description lacks is left out.

use c1_api_spec::Description;

/// Has `cfg(operation = "group.name")` hold for those of the operations that the description has, and warns of the others.
pub(crate) fn configure(description: &Description, named: &[&str]) {
    println!("cargo::rustc-check-cfg=cfg(operation, values(any()))");
    for id in named {
        if description.operation(id).is_some() {
            println!("cargo::rustc-cfg=operation={id:?}");
        } else {
            println!("cargo::warning=the description has no `{id}`; the tests leave it out");
        }
    }
}
