"""boto3's paginator on a thousand pools, with every page size, while others make
and delete pools.

Run by pages_test.go, which passes ENDPOINT and STAY: a file with the IDs of the
pools that stay.
"""
import json
import os
import unittest

import boto3
from botocore.config import Config

with open(os.environ["STAY"]) as file:
    STAY = json.load(file)


class Pages(unittest.TestCase):
    def test_every_page_size(self):
        pools = boto3.client("cognito-identity", endpoint_url=os.environ["ENDPOINT"], region_name="us-east-1", config=Config(retries={"total_max_attempts": 1}))
        paginator, staying, others = pools.get_paginator("list_identity_pools"), set(STAY), 0
        for size in range(1, 61):
            pages = [[p["IdentityPoolId"] for p in page["IdentityPools"]] for page in paginator.paginate(PaginationConfig={"PageSize": size})]
            seen = [pool for page in pages for pool in page]
            self.assertEqual({size}, {len(page) for page in pages[:-1]}, "pages but the last are full")
            self.assertLessEqual(len(pages[-1]), size)
            self.assertEqual(len(set(seen)), len(seen), f"page size {size}: a pool twice")
            self.assertEqual(STAY, [pool for pool in seen if pool in staying], f"page size {size}")
            others += len(seen) - len(STAY)
        self.assertGreater(others, 0, "no pool was there that did not stay")


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # older versions leave sockets open
