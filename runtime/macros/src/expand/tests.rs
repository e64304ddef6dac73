//! Expansions and errors, as token streams.

use super::*;
use quote::quote;

/// The generated code as text.
fn main(options: TokenStream, item: TokenStream) -> String {
    expand(Kind::Main, options, item).to_string()
}

fn test(options: TokenStream, item: TokenStream) -> String {
    expand(Kind::Test, options, item).to_string()
}

/// Asserts that the expansion is this function. Both are parsed and printed again, since `||` may be one
/// token or two.
fn assert_function(expansion: &str, expected: TokenStream) {
    let reprint = |text: &str| {
        let function = syn::parse_str::<ItemFn>(text).expect("it is a function");
        function.into_token_stream().to_string()
    };
    assert_eq!(reprint(expansion), reprint(&expected.to_string()));
}

/// Asserts that the expansion is a compile error with this message, once.
fn assert_error(expansion: &str, message: &str) {
    assert!(expansion.contains("compile_error"), "{expansion}");
    assert_eq!(expansion.matches(message).count(), 1, "{expansion}");
}

#[test]
fn main_without_options_calls_run() {
    let expected = quote! {
        fn main() { ::tasklets::run(move || { serve(); }) }
    };
    let item = quote!(
        fn main() {
            serve();
        }
    );
    assert_function(&main(quote!(), item), expected);
}

#[test]
fn options_go_to_the_builder() {
    let expected = quote! {
        fn main() -> Result<(), Error> {
            ::tasklets::Runtime::builder()
                .workers(4usize)
                .stack_size(65536usize)
                .build()
                .expect("tasklets: the runtime could not start")
                .run(move || -> Result<(), Error> { serve()?; Ok(()) })
        }
    };
    let item = quote!(
        fn main() -> Result<(), Error> {
            serve()?;
            Ok(())
        }
    );
    let options = quote!(workers = 4, stack_size = 0x1_0000usize,);
    assert_function(&main(options, item), expected);
}

#[test]
fn attributes_and_visibility_stay() {
    let expected = quote! {
        #[::core::prelude::v1::test]
        #[ignore = "slow"]
        #[should_panic(expected = "no")]
        pub(crate) fn refuses() {
            #![allow(unused)]
            ::tasklets::run(move || { panic!("no") })
        }
    };
    let item = quote! {
        #[ignore = "slow"]
        #[should_panic(expected = "no")]
        pub(crate) fn refuses() { #![allow(unused)] panic!("no") }
    };
    assert_function(&test(quote!(), item), expected);
}

#[test]
fn an_impl_trait_is_not_repeated_on_the_closure() {
    let expected = quote! {
        fn main() -> Box<(impl Termination)> { ::tasklets::run(move || { end() }) }
    };
    let item = quote!(
        fn main() -> Box<(impl Termination)> {
            end()
        }
    );
    assert_function(&main(quote!(), item), expected);
}

#[test]
fn async_functions_are_told_of_block_on() {
    let expansion = main(
        quote!(),
        quote!(
            async fn main() {}
        ),
    );
    assert_error(&expansion, "plain blocking code");
    assert_error(&expansion, "`block_on`");
    assert!(expansion.ends_with("fn main () { }"), "{expansion}");
}

#[test]
fn unsuitable_functions_are_refused() {
    let cases = [
        (
            quote!(
                fn main(n: u8) {}
            ),
            "take arguments",
        ),
        (
            quote!(
                fn main(&self) {}
            ),
            "take arguments",
        ),
        (
            quote!(
                fn main<T>() {}
            ),
            "have generic parameters",
        ),
        (
            quote!(
                fn main()
                where
                    u8: Copy,
                {
                }
            ),
            "have a `where` clause",
        ),
        (
            quote!(
                const fn main() {}
            ),
            "be `const`",
        ),
        (
            quote!(
                unsafe fn main() {}
            ),
            "be `unsafe`",
        ),
        (
            quote!(
                extern "C" fn main() {}
            ),
            "ABI",
        ),
        (
            quote!(
                struct Main;
            ),
            "goes on a function",
        ),
    ];
    for (item, message) in cases {
        assert_error(&main(quote!(), item.clone()), message);
        assert_error(&test(quote!(), item), message);
    }
}

#[test]
fn a_second_test_attribute_is_refused_on_tests_only() {
    let item = quote!(
        #[test]
        fn twice() {}
    );
    assert_error(&test(quote!(), item.clone()), "a test already");
    assert!(!main(quote!(), item).contains("compile_error"));
}

#[test]
fn unusable_options_are_refused() {
    let cases = [
        (quote!(flavor = 1), "the options are `workers` and `stack_size`"),
        (quote!(workers = 1, workers = 2), "`workers` is given twice"),
        (quote!(workers), "`workers` needs a value"),
        (quote!(workers = 0), "`workers` must be above zero"),
        (quote!(stack_size = 0), "`stack_size` must be above zero"),
        (quote!(workers = -1), "a whole number above zero"),
        (quote!(workers = "4"), "a whole number above zero"),
        (quote!(workers = 4.5), "a whole number above zero"),
        (quote!(workers = N), "a whole number above zero"),
        (quote!(workers = 4u8), "leave out the suffix"),
        (quote!(workers = 99999999999999999999), "fits `usize`"),
    ];
    for (options, message) in cases {
        let expansion = main(
            options.clone(),
            quote!(
                fn main() {}
            ),
        );
        assert_error(&expansion, message);
        assert_error(
            &test(
                options,
                quote!(
                    fn main() {}
                ),
            ),
            message,
        );
    }
}

#[test]
fn all_problems_are_reported_together() {
    let expansion = main(
        quote!(workers = 0),
        quote!(
            async fn main(n: u8) {}
        ),
    );
    assert_error(&expansion, "plain blocking code");
    assert_error(&expansion, "take arguments");
    assert_error(&expansion, "above zero");
}
