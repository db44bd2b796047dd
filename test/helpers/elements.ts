/** All that an asynchronous iterable gives. */
export async function all<E>(elements: AsyncIterable<E>): Promise<E[]> {
  const list: E[] = [];
  for await (const element of elements) list.push(element);
  return list;
}
