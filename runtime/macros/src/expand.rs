//! From the annotated function to the generated one.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Error, ItemFn, ReturnType, Safety, Signature, parse_quote};

use crate::options::Options;

#[cfg(test)]
mod tests;

/// Which attribute is being expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Main,
    Test,
}

impl Kind {
    /// The attribute as the user writes it.
    fn name(self) -> &'static str {
        match self {
            Kind::Main => "#[tasklets::main]",
            Kind::Test => "#[tasklets::test]",
        }
    }
}

/// The generated function, or compile errors.
pub(crate) fn expand(kind: Kind, options: TokenStream, item: TokenStream) -> TokenStream {
    let mut function = match syn::parse2::<ItemFn>(item) {
        Ok(function) => function,
        Err(error) => {
            let message = format!("`{}` goes on a function: {error}", kind.name());
            return Error::new(error.span(), message).to_compile_error();
        }
    };
    match checked_options(kind, options, &function) {
        Ok(options) => {
            wrap_body(kind, &options, &mut function);
            function.into_token_stream()
        }
        Err(error) => {
            // The function stays, empty, or the compiler would also complain that there is no `main`.
            let name = &function.sig.ident;
            let error = error.to_compile_error();
            quote!(#error #[allow(dead_code)] fn #name() {})
        }
    }
}

/// The options, unless they or the function are unusable; then all that is wrong, not only the first thing.
fn checked_options(kind: Kind, options: TokenStream, function: &ItemFn) -> syn::Result<Options> {
    let options = syn::parse2::<Options>(options);
    match (check_function(kind, function), options) {
        (Ok(()), options) => options,
        (Err(error), Ok(_)) => Err(error),
        (Err(mut error), Err(more)) => {
            error.combine(more);
            Err(error)
        }
    }
}

/// Refuses what cannot be run as the body of one tasklet.
fn check_function(kind: Kind, function: &ItemFn) -> syn::Result<()> {
    let mut problems: Vec<Error> = Vec::new();
    let attribute = kind.name();
    let Signature { constness, asyncness, safety, abi, generics, inputs, variadic, .. } = &function.sig;

    if let Some(token) = asyncness {
        let message = format!(
            "`{attribute}` goes on an ordinary `fn`: a tasklet is plain blocking code; remove `async` and `.await`, \
             and call `block_on` where there is a future to wait for"
        );
        problems.push(Error::new_spanned(token, message));
    }
    let mut refuse = |tokens: &dyn ToTokens, what: &str| {
        let message = format!("a function with `{attribute}` cannot {what}");
        problems.push(Error::new_spanned(tokens.to_token_stream(), message));
    };
    if let Some(token) = constness {
        refuse(token, "be `const`");
    }
    if !matches!(safety, Safety::Default) {
        refuse(safety, "be `unsafe`");
    }
    if let Some(abi) = abi {
        refuse(abi, "have another ABI than Rust's");
    }
    if !generics.params.is_empty() {
        refuse(generics, "have generic parameters");
    }
    if let Some(clause) = &generics.where_clause {
        refuse(clause, "have a `where` clause");
    }
    if !inputs.is_empty() {
        refuse(inputs, "take arguments");
    }
    if let Some(variadic) = variadic {
        refuse(variadic, "take arguments");
    }
    if kind == Kind::Test
        && let Some(second) = function.attrs.iter().find(|attr| is_test(attr))
    {
        let message = format!("`{attribute}` makes this a test already: remove the other attribute");
        problems.push(Error::new_spanned(second, message));
    }
    if let Err(error) = function.modifiers.require_empty() {
        problems.push(error);
    }

    let all = problems.into_iter().reduce(|mut all, problem| {
        all.combine(problem);
        all
    });
    all.map_or(Ok(()), Err)
}

/// Whether an attribute would register the function as a test once more.
fn is_test(attr: &Attribute) -> bool {
    let last = attr.path().segments.last();
    last.is_some_and(|segment| segment.ident == "test")
}

/// Turns the function's body into the closure that a runtime runs. Attributes, visibility and signature stay.
fn wrap_body(kind: Kind, options: &Options, function: &mut ItemFn) {
    let body = &function.block;
    // With its type written out, a `?` in the body knows which error to convert to.
    let output = match &function.sig.output {
        ReturnType::Type(_, ty) if mentions_impl(ty.to_token_stream()) => &ReturnType::Default,
        output => output,
    };
    let closure = quote!(move || #output #body);
    function.block = if options.is_empty() {
        parse_quote!({ ::tasklets::run(#closure) })
    } else {
        parse_quote!({
            ::tasklets::Runtime::builder()
                #options
                .build()
                .expect("tasklets: the runtime could not start")
                .run(#closure)
        })
    };
    if kind == Kind::Test {
        function.attrs.insert(0, parse_quote!(#[::core::prelude::v1::test]));
    }
}

/// Whether `impl Trait` occurs in a type; a closure cannot name such a type.
fn mentions_impl(ty: TokenStream) -> bool {
    ty.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "impl",
        TokenTree::Group(group) => mentions_impl(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
