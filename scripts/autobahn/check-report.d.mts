export interface AutobahnCase {
  readonly behavior: string;
  readonly behaviorClose: string;
}

export declare function checkReport(cases: Readonly<Record<string, AutobahnCase>>): {
  readonly passed: number;
  readonly informational: number;
  readonly failed: readonly (AutobahnCase & { readonly id: string })[];
};
