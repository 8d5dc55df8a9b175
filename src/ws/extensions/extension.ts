// `parseExtensions` of the protocol is another function: it joins several fields, and ignores empty elements. This
// module has the interface of the package `ws`, with its grouping and its errors.
import { HeaderScanner } from "./header-scanner.ts";

/** The value of a parameter of an extension; `true` for a parameter without a value. */
export type ExtensionValue = string | number | boolean;

/** The parameters of one offer of an extension: all values of each name, in order. */
export type ExtensionParams = Record<string, ExtensionValue[]>;

/** The parameters that `format` writes. A single value needs no array. */
export type ExtensionInit = Readonly<Record<string, ExtensionValue | readonly ExtensionValue[]>>;

/**
 * Reads the value of a `Sec-WebSocket-Extensions` header (RFC 6455 9.1). Returns all offers of each extension,
 * in objects without a prototype.
 *
 * @throws SyntaxError
 */
export function parse(header: string): Record<string, ExtensionParams[]> {
  const offers = emptyRecord<ExtensionParams[]>();
  const scanner = new HeaderScanner(header);
  do {
    const name = scanner.takeToken();
    (offers[name] ??= []).push(parseParams(scanner));
  } while (scanner.takeComma());
  return offers;
}

function parseParams(scanner: HeaderScanner): ExtensionParams {
  const params = emptyRecord<ExtensionValue[]>();
  for (;;) {
    const hasWhitespace = scanner.skipWhitespace();
    if (!scanner.take(";")) {
      if (hasWhitespace && scanner.isAtEnd) scanner.fail();
      return params;
    }
    scanner.skipWhitespace();
    const name = scanner.takeToken();
    (params[name] ??= []).push(parseValue(scanner));
  }
}

function parseValue(scanner: HeaderScanner): ExtensionValue {
  if (!scanner.take("=")) return true;
  return scanner.take('"') ? scanner.takeQuotedToken() : scanner.takeToken();
}

/** Writes extensions as the value of a `Sec-WebSocket-Extensions` header. It does not check the values. */
export function format(
  extensions: Readonly<Record<string, ExtensionInit | readonly ExtensionInit[]>>,
): string {
  return Object.entries(extensions)
    .flatMap(([name, offers]) => [offers].flat().map((params) => formatOffer(name, params)))
    .join(", ");
}

function formatOffer(name: string, params: ExtensionInit): string {
  const written = Object.entries(params).flatMap(([param, values]) =>
    [values].flat().map((value) => (value === true ? param : `${param}=${value}`)),
  );
  return [name, ...written].join("; ");
}

function emptyRecord<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}
