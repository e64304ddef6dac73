//! The options in an attribute's parentheses.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Ident, Lit, Token};

/// The options known, each named as the builder's method that it calls.
const KNOWN: [&str; 2] = ["workers", "stack_size"];

/// The options given, each once, in the order written.
pub(crate) struct Options(Vec<Setting>);

impl Options {
    /// Whether the builder's defaults are all that is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Options> {
        let mut settings: Vec<Setting> = Vec::new();
        for setting in Punctuated::<Setting, Token![,]>::parse_terminated(input)? {
            if settings.iter().any(|earlier| earlier.name == setting.name) {
                let message = format!("the option `{}` is given twice", setting.name);
                return Err(Error::new(setting.name.span(), message));
            }
            settings.push(setting);
        }
        Ok(Options(settings))
    }
}

impl ToTokens for Options {
    /// Writes the calls of the builder's methods: `.workers(4usize)`.
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for Setting { name, value } in &self.0 {
            tokens.extend(quote!(.#name(#value)));
        }
    }
}

/// One option: `workers = 4`.
struct Setting {
    name: Ident,
    value: Literal,
}

impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> syn::Result<Setting> {
        let name: Ident = input.parse()?;
        if !KNOWN.iter().any(|known| name == known) {
            let known = KNOWN.map(|known| format!("`{known}`")).join(" and ");
            let message = format!("unknown option `{name}`; the options are {known}");
            return Err(Error::new(name.span(), message));
        }
        if !input.peek(Token![=]) {
            let message = format!("the option `{name}` needs a value: `{name} = ..`");
            return Err(Error::new(name.span(), message));
        }
        input.parse::<Token![=]>()?;
        let value = count(&name, &input.parse()?)?;
        Ok(Setting { name, value })
    }
}

/// The literal in `expr`, if it is a whole number that the builder can take.
fn count(name: &Ident, expr: &Expr) -> syn::Result<Literal> {
    let wrong = |what: &str| Error::new_spanned(expr, format!("`{name}` must be {what}"));
    let Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) = expr else {
        return Err(wrong("a whole number above zero, written as a literal"));
    };
    if !matches!(literal.suffix(), "" | "usize") {
        return Err(wrong("a `usize`: leave out the suffix"));
    }
    match literal.base10_parse::<usize>() {
        Ok(0) => Err(wrong("above zero; leave the option out for the default")),
        Ok(number) => {
            let mut value = Literal::usize_suffixed(number);
            value.set_span(literal.span());
            Ok(value)
        }
        Err(_) => Err(wrong("a whole number that fits `usize`")),
    }
}
