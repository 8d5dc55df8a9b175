/**
 * The type of the params of a URL pattern, which TypeScript reads from its text. `/rooms/:room` has
 * `{ room: string }`, `/files/*` has `{ "0": string }`, and `/:lang?` has `{ lang: string | undefined }`.
 *
 * Supports the pathname syntax of URLPattern: named groups, wildcards, regular-expression groups,
 * braces, the modifiers `?`, `*` and `+`, and escapes.
 */
export type RouteParams<Path extends string> = string extends Path
  ? { readonly [name: string]: string | undefined }
  : { readonly [Name in keyof PatternParams<Path>]: PatternParams<Path>[Name] };

/** The path in a route's key, without the prefix; `never` if the key is not valid. */
export type PathOf<Key> = Key extends `//${string}`
  ? never
  : Key extends `/${string}`
    ? Key
    : Key extends `${infer Prefix}:/${infer Rest}`
      ? Lowercase<Prefix> extends
          | "ws"
          | "get"
          | "head"
          | "post"
          | "put"
          | "patch"
          | "delete"
          | "options"
        ? // In a relative URL, `//host` names another host, not a path.
          Rest extends `/${string}`
          ? never
          : `/${Rest}`
        : never
      : never;

/**
 * Parses the pattern `Text` for {@link RouteParams}, one character at a time. The other type parameters
 * are the state of the parser.
 *
 * - `Groups` has one element for each group without a name.
 * - `Params` are the params so far. Inside braces, `Outer` are the params before the open brace.
 * - `Mode` says how `Text` starts: with literal text, or with the rest of a group's name, regular
 *   expression or modifier.
 * - `Name` is the name of the current group, and `Depth` counts the open inner parentheses.
 */
export type PatternParams<
  Text extends string,
  Groups extends unknown[] = [],
  Params = unknown,
  Outer = never,
  Mode extends "literal" | "name" | "expression" | "modifier" = "literal",
  Name extends string = "",
  Depth extends unknown[] = [],
> = Mode extends "name"
  ? Text extends `(${infer Rest}`
    ? PatternParams<Rest, Groups, Params, Outer, "expression", Name>
    : Text extends `${infer Char}${infer Rest}`
      ? Lowercase<Char> extends
          | ("a" | "b" | "c" | "d" | "e" | "f" | "g" | "h" | "i" | "j" | "k" | "l" | "m")
          | ("n" | "o" | "p" | "q" | "r" | "s" | "t" | "u" | "v" | "w" | "x" | "y" | "z")
          | ("0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "_" | "$")
        ? PatternParams<Rest, Groups, Params, Outer, "name", `${Name}${Char}`>
        : PatternParams<Text, Groups, Params, Outer, "modifier", Name>
      : PatternParams<Text, Groups, Params, Outer, "modifier", Name>
  : Mode extends "expression"
    ? Text extends `\\${string}${infer Rest}`
      ? PatternParams<Rest, Groups, Params, Outer, "expression", Name, Depth>
      : Text extends `(${infer Rest}`
        ? PatternParams<Rest, Groups, Params, Outer, "expression", Name, [...Depth, unknown]>
        : Text extends `)${infer Rest}`
          ? Depth extends [unknown, ...infer Less]
            ? PatternParams<Rest, Groups, Params, Outer, "expression", Name, Less>
            : PatternParams<Rest, Groups, Params, Outer, "modifier", Name>
          : Text extends `${string}${infer Rest}`
            ? PatternParams<Rest, Groups, Params, Outer, "expression", Name, Depth>
            : PatternParams<"", Groups, Params, Outer, "modifier", Name>
    : Mode extends "modifier"
      ? Text extends `${"?" | "*"}${infer Rest}`
        ? PatternParams<Rest, Groups, Params & { [N in Name]: string | undefined }, Outer>
        : Text extends `+${infer Rest}`
          ? PatternParams<Rest, Groups, Params & { [N in Name]: string }, Outer>
          : PatternParams<Text, Groups, Params & { [N in Name]: string }, Outer>
      : Text extends `\\${string}${infer Rest}`
        ? PatternParams<Rest, Groups, Params, Outer>
        : Text extends `:${infer Rest}`
          ? PatternParams<Rest, Groups, Params, Outer, "name">
          : Text extends `(${infer Rest}`
            ? PatternParams<
                Rest,
                [...Groups, unknown],
                Params,
                Outer,
                "expression",
                `${Groups["length"]}`
              >
            : Text extends `*${infer Rest}`
              ? PatternParams<
                  Rest,
                  [...Groups, unknown],
                  Params,
                  Outer,
                  "modifier",
                  `${Groups["length"]}`
                >
              : Text extends `{${infer Rest}`
                ? PatternParams<Rest, Groups, unknown, Params>
                : Text extends `}${infer Rest}`
                  ? Rest extends `${"?" | "*"}${infer Behind}`
                    ? PatternParams<
                        Behind,
                        Groups,
                        Outer & { [N in keyof Params]: Params[N] | undefined }
                      >
                    : Rest extends `+${infer Behind}`
                      ? PatternParams<Behind, Groups, Outer & Params>
                      : PatternParams<Rest, Groups, Outer & Params>
                  : Text extends `${string}${infer Rest}`
                    ? PatternParams<Rest, Groups, Params, Outer>
                    : Params;
