import { invalidOption } from "../../errors/check-options.ts";
import { UsageError } from "../../errors/index.ts";
import { quote } from "../../errors/quote.ts";
import { isRecord } from "../../errors/record.ts";
import { TopicPattern } from "../../topic-names/topic-pattern.ts";
import { resolveTopicOptions, type TopicOptions, type TopicSettings } from "./topic-options.ts";

/** The options of the topics that match a pattern. */
interface PatternSettings {
  readonly pattern: TopicPattern;
  readonly options: TopicOptions;
  readonly settings: TopicSettings;
}

/** Finds the options of a topic by the patterns of the option `patterns`. */
export class SettingsByPattern {
  /** Patterns without params, which match one name. */
  readonly #byName = new Map<string, PatternSettings>();
  /** Patterns with params, by their number of segments. */
  readonly #bySegments = new Map<number, PatternSettings[]>();

  /**
   * @param base options of all topics, which the options of a pattern override
   * @throws UsageError `INVALID_OPTION`, `INVALID_TOPIC_PATTERN`
   */
  constructor(patterns: unknown, base: TopicOptions) {
    if (!isRecord(patterns)) {
      throw invalidOption("Topics", "patterns", patterns, "an object of options by pattern");
    }
    for (const [text, options] of Object.entries(patterns)) this.#add(text, options, base);
  }

  /** The options for a valid name, and the settings with them; undefined if no pattern matches. */
  find(name: string): PatternSettings | undefined {
    const exact = this.#byName.get(name);
    if (exact !== undefined || this.#bySegments.size === 0) return exact;
    return this.#bySegments
      .get(segmentsOf(name))
      ?.find(({ pattern }) => pattern.match(name) !== undefined);
  }

  /** All settings that a name which matches `pattern` may have. `base` is for names that no pattern matches. */
  allFor(pattern: TopicPattern, base: TopicSettings): TopicSettings[] {
    const params = pattern.paramNames.map((name) => [name, "any other param"]);
    const { settings = base } = this.find(pattern.format(Object.fromEntries(params))) ?? {};
    const named = [...this.#byName].filter(([name]) => pattern.match(name) !== undefined);
    const others = this.#bySegments.get(segmentsOf(pattern.text)) ?? [];
    const overlapping = others.filter((other) => other.pattern.overlaps(pattern));
    return [
      settings,
      ...[...named.map(([, one]) => one), ...overlapping].map((one) => one.settings),
    ];
  }

  #add(text: string, options: unknown, base: TopicOptions): void {
    const pattern = new TopicPattern(text);
    if (!isRecord(options)) {
      throw invalidOption("Topics", `patterns[${quote(text)}]`, options, "the options of a topic");
    }
    const added = { pattern, options, settings: resolveTopicOptions({ ...base, ...options }) };
    if (pattern.paramNames.length === 0) {
      this.#byName.set(text, added);
      return;
    }
    const count = segmentsOf(text);
    const others = this.#bySegments.get(count) ?? [];
    const other = others.find((one) => one.pattern.overlaps(pattern));
    if (other !== undefined) {
      throw new UsageError(
        "INVALID_OPTION",
        `Topics: the patterns ${quote(other.pattern.text)} and ${quote(text)} can match the same name; change one, or use optionsOf`,
      );
    }
    this.#bySegments.set(count, [...others, added]);
  }
}

function segmentsOf(text: string): number {
  return text.split("/").length;
}
