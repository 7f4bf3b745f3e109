/** The page of the project, where its sources are. @param repository as npm packages name theirs */
export function homepageOf({ repository }: { repository: { url: string } }): string {
  return repository.url.replace(/^git\+|\.git$/g, "");
}
