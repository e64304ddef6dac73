//! How thoroughly a model is run.

use loom::model::Builder;

/// Runs `model` as `loom::model` does, but with at most `preemptions` of them: for what is too big for more.
pub fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    run(|asked| asked.min(preemptions), model);
}

/// Runs `model` as `loom::model` does, but with at least `preemptions` of them: for what is small and shows nothing with fewer.
pub fn explore_deeply(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    run(|asked| asked.max(preemptions), model);
}

fn run(bound: impl FnOnce(usize) -> usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(bound(builder.preemption_bound.unwrap_or(usize::MAX)));
    builder.max_branches = 10_000;
    builder.check(model);
}
