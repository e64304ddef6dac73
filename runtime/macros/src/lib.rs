//! The attributes `#[tasklets::main]` and `#[tasklets::test]`.
//!
//! Use them through the crate `tasklets`, which re-exports them; the code they generate names `::tasklets`.
//!
//! The examples here are compiled and run against a few lines that stand in for that crate (hidden in the rendered
//! page), because it depends on this one.

use proc_macro::TokenStream;

mod expand;
mod options;

use expand::{Kind, expand};

/// Runs a program's `main` as a tasklet on a runtime that lives as long as it.
///
/// It goes on an ordinary function without arguments; it may return whatever `main` may return. The function's body
/// is the first tasklet. Its return, or its panic, is that of `main`, after the runtime has shut down.
///
/// ```
/// # extern crate self as tasklets;
/// # pub use tasklets_macros::main;
/// # pub fn run<R>(f: impl FnOnce() -> R) -> R { f() }
/// #[tasklets::main]
/// fn main() -> Result<(), std::num::ParseIntError> {
///     let answer: u32 = "42".parse()?;
///     assert_eq!(answer, 42);
///     Ok(())
/// }
/// ```
///
/// This is the same as
///
/// ```
/// # mod tasklets { pub fn run<R>(f: impl FnOnce() -> R) -> R { f() } }
/// fn main() -> Result<(), std::num::ParseIntError> {
///     tasklets::run(move || -> Result<(), std::num::ParseIntError> {
///         let answer: u32 = "42".parse()?;
///         assert_eq!(answer, 42);
///         Ok(())
///     })
/// }
/// ```
///
/// # Options
///
/// Both take a literal whole number above zero, and what is not given is the builder's default:
///
/// * `workers = n`: the number of worker threads;
/// * `stack_size = n`: the address space of a tasklet's stack, in bytes.
///
/// ```
/// # extern crate self as tasklets;
/// # pub use tasklets_macros::main;
/// # pub struct Runtime;
/// # impl Runtime {
/// #     pub fn builder() -> Runtime { Runtime }
/// #     pub fn workers(self, n: usize) -> Runtime { assert_eq!(n, 1); self }
/// #     pub fn stack_size(self, n: usize) -> Runtime { assert_eq!(n, 65536); self }
/// #     pub fn build(self) -> Result<Runtime, std::io::Error> { Ok(self) }
/// #     pub fn run<R>(&self, f: impl FnOnce() -> R) -> R { f() }
/// # }
/// #[tasklets::main(workers = 1, stack_size = 65_536)]
/// fn main() {
///     println!("one worker: tasklets run in an order that repeats");
/// }
/// ```
///
/// # Panics
///
/// The generated function panics if the runtime cannot start; the message says why.
///
/// # Errors
///
/// An `async fn`, arguments, type parameters and unknown, repeated or unusable options are compile errors:
///
/// ```compile_fail
/// # extern crate self as tasklets;
/// # pub use tasklets_macros::main;
/// # pub fn run<R>(f: impl FnOnce() -> R) -> R { f() }
/// #[tasklets::main]
/// async fn main() {}
/// ```
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(Kind::Main, options.into(), item.into()).into()
}

/// Runs a test as a tasklet on a runtime of its own.
///
/// It takes the place of `#[test]`, on the same functions, and has the options of [`main`](macro@main).
/// `#[should_panic]`, `#[ignore]` and a return type mean what they mean there.
///
/// ```
/// # extern crate self as tasklets;
/// # pub use tasklets_macros::test;
/// # pub fn run<R>(f: impl FnOnce() -> R) -> R { f() }
/// #[tasklets::test]
/// fn adds() {
///     assert_eq!(1 + 1, 2);
/// }
///
/// #[tasklets::test(workers = 1)]
/// #[should_panic(expected = "index out of bounds")]
/// fn has_no_first() {
///     let none: Vec<u8> = Vec::new();
///     let _ = none[0];
/// }
/// # fn main() {}
/// ```
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(Kind::Test, options.into(), item.into()).into()
}
