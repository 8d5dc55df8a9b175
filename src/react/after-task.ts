/** Calls `run` in a later task. Unlike a timer, it is not delayed in a page in the background. */
export function afterTask(run: () => void): void {
  // React Native has no MessageChannel.
  if (typeof MessageChannel === "undefined") {
    setTimeout(run);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    // Otherwise the port would keep the process of Node.js alive.
    port1.close();
    run();
  };
  port2.postMessage(undefined);
}
