//! Grants by app and risk level: a table on the standard output, and a chart as SVG.
//!
//! `risk_report FILE`, where FILE is the SVG to write.

use std::collections::BTreeMap;

use c1_api_ext::present;
use c1_api_ext::types::{AppEntitlementExpandMask, AppEntitlementSearchServiceSearchGrantsRequest};
use c1_examples::{Outcome, Tenant};
use plotters::prelude::*;

/// The number of grants by the names of an app and of a risk level.
type Counts = BTreeMap<(String, String), u32>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let c1 = &tenant.c1;
    let mut levels = BTreeMap::new();
    let mut values = c1.attributes().list_risk_levels().items();
    while let Some(level) = values.try_next().await? {
        levels.insert(level.id, level.value);
    }

    let mut counts = Counts::new();
    let search = AppEntitlementSearchServiceSearchGrantsRequest::new()
        .expand_mask(AppEntitlementExpandMask::new().app_id());
    let search = c1.app_entitlement_search().search_grants(search);
    let mut grants = search.items().with_expanded();
    while let Some((row, expanded)) = grants.try_next().await? {
        let view = present!(row.entitlement)?;
        let app = view.app(&expanded)?.and_then(|app| app.display_name);
        let level = levels.get(&present!(view.app_entitlement)?.risk_level_value_id);
        let risk = level.cloned().flatten().unwrap_or("None".to_owned());
        *counts.entry((app.unwrap_or_default(), risk)).or_default() += 1;
    }

    for ((app, risk), count) in &counts {
        println!("{app:<12} {risk:<8} {count:>4}");
    }
    let file = tenant.argument(1, "FILE", "risks.svg")?;
    draw(&counts, &file)?;
    println!("The chart is in {file}.");
    Ok(())
}

/// A bar for each app and risk level.
fn draw(counts: &Counts, file: &str) -> Outcome<()> {
    let highest = counts.values().max().copied().unwrap_or_default();
    let names: Vec<_> = counts
        .keys()
        .map(|(app, risk)| format!("{app} {risk}"))
        .collect();
    let area = SVGBackend::new(file, (900, 480)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Grants by app and risk level", ("sans-serif", 24))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(48)
        .build_cartesian_2d(
            (0..names.len().saturating_sub(1)).into_segmented(),
            0..highest + 1,
        )?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .y_desc("grants")
        .x_labels(names.len())
        .x_label_formatter(&|at| match at {
            SegmentValue::CenterOf(at) => names.get(*at).cloned().unwrap_or_default(),
            _ => String::new(),
        })
        .draw()?;
    chart.draw_series(counts.values().enumerate().map(|(at, count)| {
        let corners = [
            (SegmentValue::Exact(at), 0),
            (SegmentValue::Exact(at + 1), *count),
        ];
        let mut bar = Rectangle::new(corners, BLUE.mix(0.6).filled());
        bar.set_margin(0, 0, 12, 12);
        bar
    }))?;
    area.present()?;
    Ok(())
}
