import { Activity, createElement, type FunctionComponent, StrictMode } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { onTestFinished, vi } from "vitest";

/** A mounted component that uses a hook. */
export interface RenderedHook<Props, Result> {
  /** The result of the latest render. */
  readonly current: Result;
  /** The results of all renders that React has committed or tried. */
  readonly results: readonly Result[];
  rerender(props: Props): void;
  unmount(): void;
  /** Hides the component with <Activity>, which unmounts its effects and keeps its state. */
  hide(): void;
  show(): void;
  /** Waits until the result passes the test. */
  becomes(test: (result: Result) => boolean): Promise<Result>;
}

/** The options of {@link renderHook}. */
export interface RenderHookOptions {
  readonly isStrict?: boolean;
}

/** Mounts a component that uses the hook. It is unmounted when the test ends. */
export function renderHook<Props, Result>(
  useHook: (props: Props) => Result,
  props: NoInfer<Props>,
  { isStrict = false }: RenderHookOptions = {},
): RenderedHook<Props, Result> {
  const results: Result[] = [];
  const Component: FunctionComponent<{ readonly props: Props }> = (current) => {
    results.push(useHook(current.props));
    return null;
  };
  const root = createRoot(document.createElement("div"));
  let latest = props;
  const render = (value: Props, mode: "visible" | "hidden" = "visible"): void => {
    latest = value;
    const element = createElement(Activity, {
      mode,
      children: createElement(Component, { props: value }),
    });
    flushSync(() => root.render(isStrict ? createElement(StrictMode, null, element) : element));
  };
  const unmount = (): void => flushSync(() => root.unmount());
  render(props);
  onTestFinished(unmount);
  return {
    results,
    get current() {
      return results.at(-1)!;
    },
    rerender: (value) => render(value),
    unmount,
    hide: () => render(latest, "hidden"),
    show: () => render(latest),
    async becomes(test) {
      await vi.waitUntil(() => test(results.at(-1)!), { interval: 1 });
      return results.at(-1)!;
    },
  };
}

/** The result of a hook that is rendered on a server. */
export function renderHookOnServer<Result>(useHook: () => Result): Result {
  let result!: Result;
  const Component: FunctionComponent = () => {
    result = useHook();
    return null;
  };
  renderToString(createElement(Component));
  return result;
}

/** Waits until the tasks are over that were planned before this call. */
export async function laterTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const received = new Promise<void>((resolve) => {
    port1.onmessage = () => resolve();
  });
  port2.postMessage(undefined);
  await received;
  port1.close();
}
