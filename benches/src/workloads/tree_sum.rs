//! What a fork costs when there is a little to do: the sum of a binary tree in memory.
//!
//! A full tree of 16,777,215 nodes (2^24 - 1; 2^18 - 1 when quick), summed by a fork at every node, without a cutoff.
//! Each side builds its own tree beforehand, untimed. `serial` is the same function without forks, on one thread.

use std::time::Instant;

use crate::failure::{Failure, check};
use crate::runtimes;
use crate::workload::{Better, OURS, Quantity, Scale, Side, Started, Workload};

pub(crate) const WORKLOAD: Workload = Workload {
    name: "tree-sum",
    about: "the sum of a tree of 16.8 million nodes by `join` at every node (262,143 with --quick)",
    quantities: &[Quantity { name: "ms", decimals: 2, better: Better::Less }],
    needs: &[],
    fresh_process: false,
    sides: &[
        Side { name: OURS, start: tasklets },
        Side { name: "rayon", start: rayon },
        Side { name: "chili", start: chili },
        Side { name: "serial", start: serial },
    ],
};

/// A node and what is below it.
struct Node {
    value: u64,
    left: Option<Box<Node>>,
    right: Option<Box<Node>>,
}

impl Node {
    /// A full tree of so many levels.
    fn tree(levels: u32) -> Box<Self> {
        let below = || (levels > 1).then(|| Self::tree(levels - 1));
        Box::new(Self { value: 1, left: below(), right: below() })
    }
}

/// Levels of the tree.
fn levels(scale: Scale) -> u32 {
    scale.pick(24, 18)
}

/// The figures of a round that found `sum`. Every node has the value 1.
fn figures(levels: u32, begun: Instant, sum: u64) -> Result<Vec<f64>, Failure> {
    let took = begun.elapsed();
    check("the sum", sum, (1 << levels) - 1)?;
    Ok(vec![took.as_secs_f64() * 1e3])
}

fn tasklets(scale: Scale) -> Started {
    fn sum(node: &Node) -> u64 {
        let side = |child: &Option<Box<Node>>| child.as_deref().map_or(0, sum);
        let (left, right) = tasklets::join(|| side(&node.left), || side(&node.right));
        node.value + left + right
    }
    let runtime = runtimes::tasklets(scale.workers)?;
    let levels = levels(scale);
    let tree: &'static Node = Box::leak(Node::tree(levels));
    Ok(Box::new(move || {
        runtime.run(move || {
            let begun = Instant::now();
            figures(levels, begun, sum(tree))
        })
    }))
}

fn rayon(scale: Scale) -> Started {
    fn sum(node: &Node) -> u64 {
        let side = |child: &Option<Box<Node>>| child.as_deref().map_or(0, sum);
        let (left, right) = rayon::join(|| side(&node.left), || side(&node.right));
        node.value + left + right
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(scale.workers).build()?;
    let levels = levels(scale);
    let tree = Node::tree(levels);
    Ok(Box::new(move || {
        pool.install(|| {
            let begun = Instant::now();
            figures(levels, begun, sum(&tree))
        })
    }))
}

fn chili(scale: Scale) -> Started {
    fn sum(node: &Node, scope: &mut chili::Scope<'_>) -> u64 {
        let side =
            |child: &Option<Box<Node>>, scope: &mut chili::Scope<'_>| child.as_deref().map_or(0, |it| sum(it, scope));
        let (left, right) = scope.join(|scope| side(&node.left, scope), |scope| side(&node.right, scope));
        node.value + left + right
    }
    let pool = runtimes::chili(scale.workers);
    let levels = levels(scale);
    let tree = Node::tree(levels);
    Ok(Box::new(move || {
        let mut scope = pool.scope();
        let begun = Instant::now();
        figures(levels, begun, sum(&tree, &mut scope))
    }))
}

fn serial(scale: Scale) -> Started {
    fn sum(node: &Node) -> u64 {
        let side = |child: &Option<Box<Node>>| child.as_deref().map_or(0, sum);
        node.value + side(&node.left) + side(&node.right)
    }
    let levels = levels(scale);
    let tree = Node::tree(levels);
    Ok(Box::new(move || {
        let begun = Instant::now();
        figures(levels, begun, sum(&tree))
    }))
}
