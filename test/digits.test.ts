import { createHash } from 'node:crypto';
import test from 'ava';
import { loadDigits } from 'fjordnet';

test('loadDigits gives the 1,797 images of scikit-learn', (t) => {
  const { images, data, target, description } = loadDigits();
  t.deepEqual([...images.shape], [1797, 8, 8]);
  t.deepEqual([...data.shape], [1797, 64]);
  t.deepEqual([...target.shape], [1797]);
  t.deepEqual([images.dtype, data.dtype, target.dtype], ['float64', 'float64', 'int32']);
  t.deepEqual(images.data, data.data);
  t.deepEqual(images.take([0]).reshape(8, 8).toArray<number[][]>()[1], [0, 0, 13, 15, 10, 15, 5, 0]);
  t.deepEqual(Array.from(target.data.subarray(0, 12)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
  // hashlib.sha256 of sklearn.datasets.load_digits(): .data.tobytes() and .target.astype('int32').tobytes()
  const sha256 = (bytes: NodeJS.ArrayBufferView) => createHash('sha256').update(bytes).digest('hex');
  t.is(sha256(data.data), '20def7f70a702f0af9732fbba4375e147a7d54fe70d8c45569b8e7c1c7010c10');
  t.is(sha256(target.data), '3a0e68456f9a3c609b399717dd9ca55bb9153be1bccf72e38e3319cb740c75cd');
  t.regex(description, /Alpaydin.*Kaynak.*1998/s);
  t.regex(description, /CC BY 4\.0/);
});

test('every call of loadDigits returns arrays of its own', (t) => {
  const [a, b] = [loadDigits(), loadDigits()];
  a.data.data.fill(-1);
  a.target.data.fill(-1);
  t.is(a.images.data[2], 5);
  t.is(b.data.data[2], 5);
  t.is(b.target.data[1], 1);
});
