/**
 * The params of a URL pattern, read off its text by the compiler: `/rooms/:room` has
 * `{ room: string }`, `/files/*` has `{ "0": string }`, and `/:lang?` has
 * `{ lang: string | undefined }`.
 *
 * Understood is the pathname syntax of URLPattern: named groups, wildcards, regular-expression
 * groups, braces, the modifiers `?`, `*` and `+`, and escapes.
 */
export type RouteParams<Path extends string> = string extends Path
  ? { readonly [name: string]: string | undefined }
  : Simplify<Parse<Path>>;

/** The path in a key of `routes`, without its prefix; `never` if the key is not valid. */
export type PathOf<Key> = Key extends `/${string}`
  ? ValidPath<Key>
  : Key extends `${infer Prefix}:${infer Path}`
    ? Lowercase<Prefix> extends KeyPrefix
      ? ValidPath<Path>
      : never
    : never;

/** Begins with one slash: `//host` is not a path that a client can ask for. */
type ValidPath<Path> = Path extends `//${string}`
  ? never
  : Path extends `/${string}`
    ? Path
    : never;

/** The prefix of a key of `routes`, in capitals or not. */
export type KeyPrefix = "ws" | "get" | "head" | "post" | "put" | "patch" | "delete" | "options";

type Simplify<T> = { readonly [Name in keyof T]: T[Name] };

/**
 * Walks over `Text`. `Groups` has an item for each group without a name so far, `Params` are the
 * params so far, and `Outer` those in front of the brace that is open, if one is.
 */
type Parse<
  Text extends string,
  Groups extends unknown[] = [],
  Params = unknown,
  Outer = never,
> = Text extends `\\${string}${infer Rest}`
  ? Parse<Rest, Groups, Params, Outer>
  : Text extends `:${infer Rest}`
    ? NamedGroup<TakeName<Rest>, Groups, Params, Outer>
    : Text extends `(${infer Rest}`
      ? UnnamedGroup<SkipExpression<Rest>, Groups, Params, Outer>
      : Text extends `*${infer Rest}`
        ? UnnamedGroup<Rest, Groups, Params, Outer>
        : Text extends `{${infer Rest}`
          ? Parse<Rest, Groups, unknown, Params>
          : Text extends `}${infer Rest}`
            ? Parse<SkipModifier<Rest>, Groups, Outer & Modified<Rest, Params>>
            : Text extends `${string}${infer Rest}`
              ? Parse<Rest, Groups, Params, Outer>
              : Params;

type NamedGroup<Taken, Groups extends unknown[], Params, Outer> = Taken extends [
  infer Name extends string,
  infer Rest extends string,
]
  ? AddGroup<Name, SkipOwnExpression<Rest>, Groups, Params, Outer>
  : never;

type UnnamedGroup<Rest extends string, Groups extends unknown[], Params, Outer> = AddGroup<
  `${Groups["length"]}`,
  Rest,
  [...Groups, unknown],
  Params,
  Outer
>;

/** `Rest` stands behind the group and may begin with its modifier. */
type AddGroup<
  Name extends string,
  Rest extends string,
  Groups extends unknown[],
  Params,
  Outer,
> = Parse<SkipModifier<Rest>, Groups, Params & Modified<Rest, { [N in Name]: string }>, Outer>;

/** `Params` as they are when the modifier that `Rest` may begin with lets their group be absent. */
type Modified<Rest extends string, Params> = Rest extends `${"?" | "*"}${string}`
  ? { [Name in keyof Params]: Params[Name] | undefined }
  : Params;

type SkipModifier<Text extends string> = Text extends `${"?" | "*" | "+"}${infer Rest}`
  ? Rest
  : Text;

/** Splits off the name that `Text` begins with. */
type TakeName<
  Text extends string,
  Name extends string = "",
> = Text extends `${infer Char}${infer Rest}`
  ? Char extends NameChar
    ? TakeName<Rest, `${Name}${Char}`>
    : [Name, Text]
  : [Name, Text];

type SkipOwnExpression<Text extends string> = Text extends `(${infer Rest}`
  ? SkipExpression<Rest>
  : Text;

/** What follows the parenthesis that closes the one before `Text`; `Depth` counts inner ones. */
type SkipExpression<
  Text extends string,
  Depth extends unknown[] = [],
> = Text extends `\\${string}${infer Rest}`
  ? SkipExpression<Rest, Depth>
  : Text extends `(${infer Rest}`
    ? SkipExpression<Rest, [...Depth, unknown]>
    : Text extends `)${infer Rest}`
      ? Depth extends [unknown, ...infer Less]
        ? SkipExpression<Rest, Less>
        : Rest
      : Text extends `${string}${infer Rest}`
        ? SkipExpression<Rest, Depth>
        : "";

type NameChar = Letter | Uppercase<Letter> | Digit | "_" | "$";
type Digit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";
// prettier-ignore
type Letter =
  | "a" | "b" | "c" | "d" | "e" | "f" | "g" | "h" | "i" | "j" | "k" | "l" | "m"
  | "n" | "o" | "p" | "q" | "r" | "s" | "t" | "u" | "v" | "w" | "x" | "y" | "z";
